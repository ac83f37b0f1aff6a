import path from 'node:path';
import { type TargetConfiguration } from '@nx/devkit';

/** Directory of the package that this file belongs to, in `src/graph` as in `dist/graph`. */
const ownDirectory = path.resolve(__dirname, '../..');

/**
 * What a compiled object depends on: the project's files, those of the projects it depends on (shared headers),
 * the root manifest, and the compiler.
 *
 * Nx adds the installed packages by itself. In a workspace that holds the plugin's own source it does not: there
 * an edited executor would be answered from the cache, so the source is named.
 */
export function buildInputs(
  workspaceRoot: string,
  plugin = ownDirectory,
): NonNullable<TargetConfiguration['inputs']> {
  return [
    'default',
    '^default',
    '{workspaceRoot}/bpf.config.yaml',
    // A constant, nothing of the manifest: Nx gives it to a shell.
    { runtime: '{ clang-19 --version || clang --version || true; } 2>/dev/null' },
    ...ownSources(workspaceRoot, plugin),
  ];
}

function ownSources(workspaceRoot: string, plugin: string): string[] {
  const fromRoot = path.relative(workspaceRoot, plugin);
  const installed = fromRoot.startsWith('..') || fromRoot.split(path.sep).includes('node_modules');
  if (installed) return [];
  const packages = path.posix.dirname(fromRoot.split(path.sep).join('/'));
  return ['loader', 'deploy', 'plugin'].map((name) => `{workspaceRoot}/${packages}/${name}/src/**/*`);
}
