import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { BpfError, nearest } from '../errors';
import { fileSystemMagic, fileSystemType, findMount } from '../kernel';

/**
 * The directory of a cgroup.
 *
 * @param cgroup path from the root of the cgroup v2 hierarchy (`agent/workers`), wherever it is mounted, or an
 *   absolute path of a directory in it
 * @throws BpfError CGROUP_NOT_FOUND with the cgroups that exist beside it, or when no cgroup v2 hierarchy is mounted
 *
 * @example
 * ```ts
 * cgroupPath('agent') === `${findMount('cgroup2')}/agent`; // true
 * ```
 */
export function cgroupPath(cgroup: string): string {
  const directory = path.isAbsolute(cgroup) ? path.normalize(cgroup) : path.join(cgroupRoot(cgroup), cgroup);
  const type = fileSystemType(directory);
  if (type === undefined) throw missing(cgroup, directory);
  if (type !== fileSystemMagic.cgroup2) {
    throw new BpfError('CGROUP_NOT_FOUND', `${directory} is not a cgroup`, {
      path: directory,
      found: 'another file system than cgroup2 there',
      hint: `cgroups of BPF are those of version 2, mounted at ${findMount('cgroup2') ?? 'no place here'}`,
    });
  }
  return directory;
}

function cgroupRoot(cgroup: string): string {
  const root = findMount('cgroup2');
  if (root !== undefined) return root;
  throw new BpfError(
    'CGROUP_NOT_FOUND',
    `cgroup '${cgroup}' cannot be found: no cgroup v2 hierarchy is mounted`,
    {
      symbol: cgroup,
      hint: 'mount it: `mount -t cgroup2 none /sys/fs/cgroup/unified`',
    },
  );
}

function missing(cgroup: string, directory: string): BpfError {
  const parent = path.dirname(directory);
  const siblings = childCgroups(parent);
  const near = nearest(path.basename(directory), siblings);
  const beside = siblings.length > 0 ? `only ${siblings.join(', ')} in ${parent}` : `no cgroup in ${parent}`;
  return new BpfError('CGROUP_NOT_FOUND', `no cgroup '${cgroup}'`, {
    path: directory,
    symbol: cgroup,
    found: beside,
    hint: near.length > 0 ? `did you mean ${near.join(' or ')}?` : `create it with \`mkdir -p ${directory}\``,
  });
}

/**
 * The path of a cgroup from the root of its hierarchy (`/agent/workers`), by the id that links have: the inode number
 * of its directory. undefined when it is gone or lies outside what is mounted here.
 *
 * @example
 * ```ts
 * cgroupById(statSync(findMount('cgroup2')!, { bigint: true }).ino); // '/'
 * ```
 */
export function cgroupById(id: bigint): string | undefined {
  const root = findMount('cgroup2');
  if (root === undefined || id === 0n) return undefined;
  const pending = [root];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    if (inode(directory) === id) return `/${path.relative(root, directory)}`;
    for (const child of childCgroups(directory)) pending.push(path.join(directory, child));
  }
  return undefined;
}

/** A cgroup can go away while the tree is walked. */
function inode(directory: string): bigint | undefined {
  return statSync(directory, { bigint: true, throwIfNoEntry: false })?.ino;
}

function childCgroups(directory: string): string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
  } catch {
    return [];
  }
}
