import { readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { BpfError } from '../errors';
import { libraryInCache } from './ld-cache';

/** Directories with libraries, by what Debian and others call this processor. */
const multiarch: Readonly<Record<string, string>> = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };
const libraryDirectories = [
  ...[multiarch[process.arch]].flatMap((name) =>
    name === undefined ? [] : [`/lib/${name}`, `/usr/lib/${name}`],
  ),
  '/lib64',
  '/usr/lib64',
  '/lib',
  '/usr/lib',
];
const programDirectories = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/local/sbin', '/usr/sbin', '/sbin'];

/** As many links as the kernel follows. */
const mostLinks = 40;

/** Where a binary is looked for. */
export interface BinarySearch {
  /** Where bare names are looked up: where this process sees files, if it is in another mount namespace than this one. */
  readonly pid?: number | undefined;
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
}

/**
 * The file that a binary's name means. With a slash it is a path: of another mount namespace as `/proc/PID/root/...`,
 * in which symbolic links lead where that process sees them lead. Without one it is a library (`libc.so.6`), which
 * LD_LIBRARY_PATH, /etc/ld.so.cache and the usual directories are asked for, or a program, by PATH.
 *
 * @returns an absolute path without symbolic links
 * @throws BpfError BINARY_NOT_FOUND
 *
 * @example
 * ```ts
 * findBinary('true'); // '/usr/bin/true'
 * ```
 */
export function findBinary(name: string, { pid, environment = process.env }: BinarySearch = {}): string {
  if (name.includes('/')) {
    const found = regularFile('', path.resolve(name));
    if (found !== undefined) return found;
    throw notFound(name, 'no such file');
  }
  const root = pid === undefined ? '' : rootOf(pid);
  const places = isLibrary(name) ? libraryPlaces(root, name, environment) : programPlaces(name, environment);
  for (const place of places) {
    const found = regularFile(root, place);
    if (found !== undefined) return found;
  }
  throw notFound(
    name,
    isLibrary(name)
      ? 'no such library in LD_LIBRARY_PATH, /etc/ld.so.cache and the usual directories'
      : 'no such program in PATH',
  );
}

function isLibrary(name: string): boolean {
  return /\.so($|\.)/.test(name);
}

function* libraryPlaces(
  root: string,
  name: string,
  environment: Readonly<Record<string, string | undefined>>,
): Generator<string> {
  for (const directory of directoriesOf(environment['LD_LIBRARY_PATH'], /[:;]/))
    yield path.join(directory, name);
  const cached = cacheOf(root);
  const place = cached && libraryInCache(cached, name, process.arch);
  if (place !== undefined) yield place;
  for (const directory of libraryDirectories) yield path.join(directory, name);
}

function programPlaces(name: string, environment: Readonly<Record<string, string | undefined>>): string[] {
  const directories = [...directoriesOf(environment['PATH'], /:/), ...programDirectories];
  return directories.map((directory) => path.join(directory, name));
}

/** Relative directories are left out: they mean something else to every process. */
function directoriesOf(list: string | undefined, separator: RegExp): string[] {
  return (list ?? '').split(separator).filter((directory) => directory.startsWith('/'));
}

function cacheOf(root: string): Uint8Array | undefined {
  try {
    return readFileSync(`${root}/etc/ld.so.cache`);
  } catch {
    return undefined;
  }
}

/** '' for a process that sees the files that this one sees. */
function rootOf(pid: number): string {
  const directory = `/proc/${pid}`;
  try {
    const same = readlinkSync(`${directory}/ns/mnt`) === readlinkSync('/proc/thread-self/ns/mnt');
    return same && realpathSync(`${directory}/root`) === '/' ? '' : `${directory}/root`;
  } catch {
    return '';
  }
}

/** A file without symbolic links in its path; undefined if it is not there. */
function regularFile(root: string, place: string): string | undefined {
  try {
    const inside = root === '' ? /^(\/proc\/(?:\d+|self|thread-self)\/root)(\/.*)$/.exec(place) : null;
    const [base, rest] = inside === null ? [root, place] : [inside[1]!, inside[2]!];
    const found = base === '' ? realpathSync(place) : base + resolveIn(base, rest);
    return statSync(found).isFile() ? found : undefined;
  } catch {
    return undefined;
  }
}

/** realpath(3) as for a process with this root: an absolute link begins there, and none leads out of it. */
function resolveIn(root: string, place: string): string {
  let links = 0;
  let done = '/';
  const parts = place.split('/');
  while (parts.length > 0) {
    const next = path.join(done, parts.shift()!);
    const target = linkTarget(root + next);
    if (target === undefined) {
      done = next;
      continue;
    }
    if (++links > mostLinks) throw new Error(`too many symbolic links: ${place}`);
    if (target.startsWith('/')) done = '/';
    parts.unshift(...target.split('/'));
  }
  return done;
}

function linkTarget(file: string): string | undefined {
  try {
    return readlinkSync(file);
  } catch {
    return undefined;
  }
}

function notFound(name: string, found: string): BpfError {
  return new BpfError('BINARY_NOT_FOUND', `binary '${name}'`, {
    path: name,
    found,
    hint: name.includes('/')
      ? 'correct the path; a file that another process sees is at /proc/PID/root/...'
      : 'give its path',
  });
}
