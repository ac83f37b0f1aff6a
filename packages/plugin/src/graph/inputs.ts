import fs from 'node:fs';
import path from 'node:path';
import { scanIncludes, type ListedProject } from '@nx-bpf/deploy/projects';
import { type TargetConfiguration } from '@nx/devkit';

const rootManifest = 'bpf.config.yaml';
const lockFile = 'bpf.lock.json';

/** Directory of the package that this file belongs to, in `src/graph` as in `dist/graph`. */
const ownDirectory = path.resolve(__dirname, '../..');

/**
 * Prints the version of each clang that there is. Nx gives it to a shell, so it is a constant: nothing that a manifest
 * says may be in it, not even the name of the clang that it asks for.
 */
const compilers =
  'for v in "" -22 -21 -20 -19 -18 -17 -16 -15 -14; do clang$v --version 2>/dev/null; done; true';

/**
 * Prints what tells one kernel from another: its build id. vmlinux.h is made from the running kernel's types where the
 * manifest names no others.
 */
const kernel = 'sha256sum /sys/kernel/notes 2>/dev/null; true';

/**
 * What a compiled object depends on: the project's manifests, its C files and the headers that they include, whichever
 * project these belong to, the compiler, and the kernel or file that vmlinux.h is made from. Nothing else: an edit of
 * another file, or of a header that is not included, leaves the objects as they are.
 *
 * Nx adds the installed packages by itself. In a workspace that holds the plugin's own source it does not: there
 * an edited executor would be answered from the cache, so the source is named.
 */
export function buildInputs(
  project: ListedProject,
  workspaceRoot: string,
  plugin = ownDirectory,
): NonNullable<TargetConfiguration['inputs']> {
  const { sources, types, variables, locked } = project.written;
  const included = scanIncludes(workspaceRoot, project).map(({ to }) => to);
  // Nothing of a build comes from the lock file, but with --frozen one that is not as it says fails; sizes of maps are in
  // it, too.
  const files = new Set([rootManifest, lockFile, ...project.files, ...sources, ...included, ...types]);
  return [
    ...[...files].sort().map((file) => `{workspaceRoot}/${file}`),
    { runtime: compilers },
    ...(types.length === 0 ? [{ runtime: kernel }] : []),
    ...(isHeld(locked, workspaceRoot) ? environment(variables) : []),
    ...ownSources(workspaceRoot, plugin),
  ];
}

/**
 * Whether a build may be held against the lock file, which has the sizes of maps that variables give: where the manifest
 * insists on it, and wherever there is one, since a command line with --frozen does too.
 */
function isHeld(locked: boolean, workspaceRoot: string): boolean {
  return locked || fs.existsSync(path.join(workspaceRoot, lockFile));
}

function environment(variables: readonly string[]): { env: string }[] {
  return variables.map((env) => ({ env }));
}

/** Prints what a process may do: whether level `vm` can try the running kernel, without a machine, depends on it. */
const privileges = 'grep CapEff /proc/self/status 2>/dev/null; true';

/** Prints which kernel packages apt knows: what a name with * stands for. */
const packages = 'apt-cache pkgnames linux-image- 2>/dev/null | sort | sha256sum; true';

/**
 * What `bpf-verify` depends on: what the objects do, the variables that constants come from, the files of kernels that
 * the manifests name, the packages that apt knows where they name such, and the running kernel, which is asked at level
 * `kernel`, and compared with what was recorded.
 */
export function verifyInputs(
  project: ListedProject,
  workspaceRoot: string,
  plugin = ownDirectory,
): NonNullable<TargetConfiguration['inputs']> {
  const { variables, locked, kernels, packets, data } = project.written;
  const { files, packaged, running } = kernels;
  const inputs = buildInputs(project, workspaceRoot, plugin);
  const hasKernel = inputs.some(
    (input) => typeof input === 'object' && 'runtime' in input && input.runtime === kernel,
  );
  return [
    ...inputs,
    // With other constants other code is dead.
    ...(isHeld(locked, workspaceRoot) ? [] : environment(variables)),
    '{projectRoot}/bpf.verified.json',
    // What programs are run on, and what is in their maps then.
    ...[...files, ...packets, ...data].map((file) => `{workspaceRoot}/${file}`),
    ...(packaged ? [{ runtime: packages }] : []),
    ...(running ? [{ runtime: privileges }] : []),
    ...(hasKernel ? [] : [{ runtime: kernel }]),
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
