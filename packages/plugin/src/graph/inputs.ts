import path from 'node:path';
import { type TargetConfiguration } from '@nx/devkit';

/** Directory of the package that this file belongs to, in `src/graph` as in `dist/graph`. */
const ownDirectory = path.resolve(__dirname, '../..');

/**
 * Prints the version of each clang that there is. Nx gives it to a shell, so it is a constant: nothing that a manifest
 * says may be in it, not even the name of the clang that it asks for.
 */
const compilers =
  'for v in "" -22 -21 -20 -19 -18 -17 -16 -15 -14; do clang$v --version 2>/dev/null; done; true';

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
    { runtime: compilers },
    ...ownSources(workspaceRoot, plugin),
  ];
}

function ownSources(workspaceRoot: string, plugin: string): string[] {
  const fromRoot = path.relative(workspaceRoot, plugin);
  const installed = fromRoot.startsWith('..') || fromRoot.split(path.sep).includes('node_modules');
  if (installed) return [];
  const packages = path.posix.dirname(fromRoot.split(path.sep).join('/'));
  return ['loader', 'deploy', 'plugin'].flatMap((name) => [
    `{workspaceRoot}/${packages}/${name}/src/**/*`,
    `!{workspaceRoot}/${packages}/${name}/src/**/*.test.ts`,
  ]);
}
