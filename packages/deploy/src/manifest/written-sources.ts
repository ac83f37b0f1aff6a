import path from 'node:path';
import { variablesIn } from './environment-values';
import { child, children, textOf, type Located } from './located';

/** The C of a project, as its manifests name it in any environment. Paths are relative to the workspace, sorted. */
export interface WrittenSources {
  /** C files, whether they are there or not. */
  readonly sources: readonly string[];
  /** Directories that headers are looked for in. */
  readonly includes: readonly string[];
  /** Files that vmlinux.h is made from, instead of the running kernel's types. */
  readonly types: readonly string[];
  /** Data files that entries of maps come from: what is deployed depends on them, not what is built. */
  readonly data: readonly string[];
  /** Absolute paths at which maps are pinned that the manifests do not place themselves. */
  readonly pins: readonly string[];
  /** What the programs are verified for. */
  readonly kernels: WrittenKernels;
  /** Files with packets that programs are run on to verify them. */
  readonly packets: readonly string[];
  /** Environment variables that values come from: what is deployed depends on them, and the sizes that are locked. */
  readonly variables: readonly string[];
  /** Whether some environment requires that what is built is what the lock file says. */
  readonly locked: boolean;
}

export interface WrittenKernels {
  /** Files with the types or the configuration of a kernel, its image, and its modules as a pattern. */
  readonly files: readonly string[];
  /** Some come from a package. */
  readonly packaged: boolean;
  /** One is the running one. */
  readonly running: boolean;
}

/** A part of a manifest that may name C files, and the directory that its paths are relative to. */
export interface WrittenPart {
  readonly tree: Located | undefined;
  readonly base: string;
}

/**
 * What the parts of a project's manifests name, without checking them: a path that leads out of the workspace is left
 * out, and so is what is not a path.
 *
 * @param root directory of the project
 */
export function writtenSources(root: string, parts: readonly WrittenPart[]): WrittenSources {
  const sources = new Set<string>();
  const includes = new Set<string>();
  const types = new Set<string>();
  const data = new Set<string>();
  const pins = new Set<string>();
  const kernelFiles = new Set<string>();
  const kernels = { packaged: false, running: false };
  const packets = new Set<string>();
  const named = new Set<string>();
  const placed = new Set<string>();
  const variables = new Set<string>();
  let locked = false;
  const add = (to: Set<string>, base: string, relative: string | undefined): void => {
    if (relative === undefined || path.isAbsolute(relative)) return;
    const file = path.normalize(path.join(base, relative));
    if (file !== '..' && !file.startsWith('../')) to.add(file);
  };
  const addDirectories = (base: string, tree: Located | undefined): void => {
    for (const directory of texts(child(tree, 'includes'))) add(includes, base, directory);
    for (const flag of texts(child(tree, 'cflags')))
      add(includes, base, /^-(?:I|isystem|iquote)(.+)$/s.exec(flag)?.[1]);
  };
  const everywhere = parts.flatMap(({ tree, base }) => [
    { tree, base, always: true },
    ...children(child(tree, 'environments')).map(([, part]) => ({ tree: part, base, always: false })),
  ]);
  for (const { tree, base, always } of everywhere) {
    for (const name of variablesIn(tree)) variables.add(name);
    const requireLock = child(child(tree, 'deploy'), 'requireLock');
    locked ||= requireLock?.kind === 'scalar' && requireLock.value === true;
    const toolchain = child(tree, 'toolchain');
    addDirectories(base, toolchain);
    const vmlinux = textOf(toolchain, 'vmlinux');
    if (vmlinux !== 'kernel') add(types, base, vmlinux);
    for (const [, map] of children(child(tree, 'maps'))) {
      add(data, base, textOf(child(map, 'contents'), 'file'));
      const pin = textOf(child(map, 'pin'), 'path');
      if (pin !== undefined) pins.add(pin);
    }
    for (const [, kernel] of children(child(tree, 'kernels'))) {
      add(kernelFiles, base, textOf(kernel, 'config'));
      add(kernelFiles, base, textOf(kernel, 'image'));
      const modules = textOf(kernel, 'modules');
      add(kernelFiles, base, modules && path.join(modules, '**/*'));
      if (['btf', 'image'].some((key) => child(child(kernel, key), 'package') !== undefined))
        kernels.packaged = true;
      const btf = textOf(kernel, 'btf');
      if (btf === 'kernel') kernels.running = true;
      else add(kernelFiles, base, btf);
    }
    for (const check of items(child(tree, 'run'))) {
      add(packets, base, textOf(child(child(check, 'input'), 'packet'), 'file'));
      add(packets, base, textOf(child(child(check, 'expect'), 'output'), 'file'));
    }
    for (const [name, object] of children(child(tree, 'objects'))) {
      named.add(name);
      addDirectories(base, object);
      const source = textOf(object, 'source');
      if (source !== undefined && always) placed.add(name);
      add(sources, base, source);
    }
  }
  for (const name of named) if (!placed.has(name)) add(sources, root, `src/${name}.bpf.c`);
  const sorted = (set: ReadonlySet<string>): string[] => [...set].sort();
  return {
    sources: sorted(sources),
    includes: sorted(includes),
    types: sorted(types),
    data: sorted(data),
    pins: sorted(pins),
    kernels: { files: sorted(kernelFiles), ...kernels },
    packets: sorted(packets),
    variables: sorted(variables),
    locked,
  };
}

function items(list: Located | undefined): readonly Located[] {
  return list?.kind === 'list' ? list.items : [];
}

function texts(list: Located | undefined): string[] {
  return items(list).flatMap((item) =>
    item.kind === 'scalar' && typeof item.value === 'string' ? [item.value] : [],
  );
}
