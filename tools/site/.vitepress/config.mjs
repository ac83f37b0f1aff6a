import path from 'node:path';
import { defineConfig } from 'vitepress';

/** Pages are made by ../generate.mjs. */
const pages = process.env.NX_BPF_SITE_PAGES ?? path.resolve(import.meta.dirname, '../pages');

export default defineConfig({
  srcDir: pages,
  outDir: process.env.NX_BPF_SITE_OUT ?? path.resolve(import.meta.dirname, '../dist'),
  cacheDir: path.resolve(import.meta.dirname, 'cache'),
  title: 'nx-bpf',
  description: 'eBPF in a monorepo, declaratively.',
  cleanUrls: false,
  // Relative links work from any place: a server, or a directory.
  base: process.env.NX_BPF_SITE_BASE ?? '/',
  markdown: { theme: { light: 'github-light', dark: 'github-dark' } },
  // C and shell sessions are no Vue templates.
  vue: { template: { compilerOptions: { whitespace: 'preserve' } } },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Start', link: '/start' },
      { text: 'Tutorial', link: '/tutorial' },
      { text: 'Manifest', link: '/reference/manifest' },
      { text: 'Errors', link: '/errors' },
    ],
    sidebar: [
      {
        text: 'Start',
        items: [
          { text: 'What it is', link: '/start' },
          { text: 'Tutorial', link: '/tutorial' },
        ],
      },
      {
        text: 'Use',
        items: [
          { text: 'In an Nx workspace', link: '/nx' },
          { text: 'Hooks', link: '/hooks' },
          { text: 'Maps', link: '/maps' },
          { text: 'Deploying', link: '/deploy' },
          { text: 'Which kernels?', link: '/verify' },
          { text: 'Environments and CI', link: '/ci' },
          { text: 'The command line', link: '/cli' },
          { text: 'The report', link: '/report' },
        ],
      },
      {
        text: 'Reference',
        items: [
          { text: 'Manifest', link: '/reference/manifest' },
          { text: 'Error codes', link: '/errors' },
          { text: '@nx-bpf/loader', link: '/reference/loader/README' },
          { text: '@nx-bpf/deploy', link: '/reference/deploy/README' },
        ],
      },
      {
        text: 'How it is made',
        items: [
          { text: 'Architecture', link: '/reference/rooms' },
          { text: 'Conformance', link: '/conformance' },
          { text: 'Peers', link: '/peers' },
          { text: 'Benchmarks', link: '/benchmarks' },
          { text: 'Kernels', link: '/kernels' },
          { text: 'Virtual machines', link: '/vm' },
        ],
      },
    ],
  },
});
