import fs from 'node:fs';
import path from 'node:path';

/** A path of the manifest, made absolute; or why it is refused. */
export type CheckedPath = { readonly path: string } | { readonly problem: string };

/**
 * A path that a manifest names, held inside the workspace: relative, without a way out by `..` or by a symbolic link.
 * The file need not exist.
 *
 * @param workspaceRoot absolute
 * @param base absolute: the directory that the path is relative to
 *
 * @example
 * ```ts
 * insideWorkspace('/ws', '/ws/packages/agent', 'src/edge.bpf.c'); // { path: '/ws/packages/agent/src/edge.bpf.c' }
 * insideWorkspace('/ws', '/ws', '/etc/passwd'); // { problem: '...' }
 * ```
 */
export function insideWorkspace(workspaceRoot: string, base: string, relative: string): CheckedPath {
  if (relative.includes('\0')) return { problem: 'a path with a NUL in it' };
  if (path.isAbsolute(relative)) {
    return { problem: `'${relative}' is an absolute path: write it relative to the workspace's files` };
  }
  const absolute = path.resolve(base, relative);
  if (!contains(workspaceRoot, absolute)) return { problem: `'${relative}' is outside the workspace` };
  const real = realpathOfExisting(absolute);
  let root: string;
  try {
    root = fs.realpathSync(workspaceRoot);
  } catch (error) {
    return { problem: `whether '${relative}' is inside cannot be told: ${(error as Error).message}` };
  }
  if (!contains(root, real)) {
    return { problem: `'${relative}' leads outside the workspace through a symbolic link, to ${real}` };
  }
  return { path: absolute };
}

/** Whether a path is a directory or inside it. Both absolute. */
export function contains(directory: string, file: string): boolean {
  const relative = path.relative(directory, file);
  return relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}

/** The real path of the part that exists, with the rest as written: a dangling link counts as where it leads. */
function realpathOfExisting(absolute: string): string {
  try {
    return fs.realpathSync(absolute);
  } catch {
    const parent = path.dirname(absolute);
    if (parent === absolute) return absolute;
    const here = path.join(realpathOfExisting(parent), path.basename(absolute));
    const target = readLink(here);
    return target === undefined ? here : path.resolve(path.dirname(here), target);
  }
}

function readLink(file: string): string | undefined {
  try {
    return fs.readlinkSync(file);
  } catch {
    return undefined;
  }
}
