import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { listProjects, loadProject } from '../../../packages/deploy/src/manifest';
import { decodeConfig, encodeConfig } from '../../../packages/deploy/src/bundle/portable-config';
import { ownFolder } from '../folder';
import { textMutator } from '../mutate/text';
import { joined, split } from '../parts';
import { sortedText } from '../sorted-text';
import { Broken, type Target } from '../target';

const project = `version: 1
objects:
  edge: { source: src/edge.bpf.c, constants: { sample_rate: 1, addresses: [1, 2] }, cflags: [-Wall] }
maps:
  blocklist: { maxEntries: 65536, pin: project, contents: { mode: merge, values: [{ key: 10.0.0.0/8, value: 1 }] } }
  events: { maxEntries: 4MiB, protect: true }
programs:
  edge_guard:
    object: edge
    attach:
      - { id: uplink, xdp: { interface: eth0, mode: native } }
      - { id: exec, tracepoint: { name: sched/sched_process_exec } }
    variants: []
environments:
  dev:
  prod:
    objects: { edge: { constants: { sample_rate: 100 } } }
    maps: { blocklist: { maxEntries: 1048576, migrate: copy } }
`;
const root = `version: 1
toolchain: { clang: clang, mcpu: v3, cflags: [-Wall, -Werror], vmlinux: kernel }
pin: { root: /sys/fs/bpf/nx-bpf, mode: "0700" }
defaultEnvironment: dev
kernels:
  debian-12: { btf: { package: linux-image-6.1.0-*-cloud-amd64 }, required: true }
deploy: { keepGenerations: 2, lockTimeout: 30s, requireLock: false }
projects: {}
`;
const words = [
  '&a',
  '*a',
  '!!js',
  '<<',
  '? ',
  '- ',
  ': ',
  '{',
  '}',
  '[',
  ']',
  '|',
  '>',
  '..',
  '/',
  '../..',
  'null',
  '~',
  'true',
  '0o7',
  '4GiB',
  '-I../x',
  '-o',
  'CPATH',
  'env',
  'xdp',
  'tc',
  'kprobe',
  'optional',
  'netns',
  'pin',
  'path',
  'contents',
  'file',
  'copy',
  'sum',
  'carry',
  'when',
  'hook',
  'budgets',
  'insns',
  '#',
  '---',
  '%YAML',
];

export const manifest: Target = {
  name: 'manifest',
  what: 'manifests of a workspace and of a project, merged, checked, and made portable',
  rooms: ['listed', 'loaded', 'portable'],
  sources: ['packages/deploy/src/manifest', 'packages/deploy/src/bundle/portable-config.ts'],
  seeds: () => {
    const own = readFileSync(path.join(__dirname, '../../../bpf.config.yaml'), 'utf8');
    const agent = readFileSync(path.join(__dirname, '../../../packages/agent/bpf.config.yaml'), 'utf8');
    return [joined(root, project), joined('', project), joined(own, agent)];
  },
  mutate: textMutator(words),
  run(input, past) {
    const workspaceRoot = ownFolder();
    const [rootText, projectText] = split(input, 2);
    mkdirSync(path.join(workspaceRoot, 'a'), { recursive: true });
    writeFileSync(path.join(workspaceRoot, 'bpf.config.yaml'), rootText!);
    writeFileSync(path.join(workspaceRoot, 'a/bpf.config.yaml'), projectText!);
    const projects = listProjects(workspaceRoot);
    past(0);
    const name = projects.find(({ files }) => files.includes('a/bpf.config.yaml'))?.name;
    const config = loadProject({ workspaceRoot, project: name, variables: {} });
    past(1);
    const portable = encodeConfig(config, new Map());
    const again = encodeConfig(decodeConfig(portable, workspaceRoot), new Map());
    if (sortedText(JSON.parse(again)) !== sortedText(JSON.parse(portable)))
      throw new Broken('a configuration differs once it is made portable and read again');
    past(2);
  },
};
