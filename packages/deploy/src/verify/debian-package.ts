import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { BpfError, objectDigest, refuseSharedFolder, writeByRename } from '@nx-bpf/loader';
import { cachePath, fillDirectory } from './cache-folder';
import { readKernelImage } from './kernel-image';
import { packModules } from './module-types';

/** What is kept of a kernel package. */
export interface PackagedKernel {
  readonly directory: string;
  readonly package: string;
  readonly version: string;
  /** SHA-256 of the package. */
  readonly sha256: string;
  readonly banner: string | null;
}

/** Format of what is kept: another one is made anew. */
const FORMAT = 'types-1';

/** Made when it is used: it takes some 6 ms. */
const natural = (): Intl.Collator => new Intl.Collator('en', { numeric: true });

/**
 * The types and the configuration of a Debian kernel package: downloaded through apt once, never installed, and what
 * is of use kept in the user's cache. With `*` in the name the newest that apt knows, or the newest in the cache where
 * there is no apt.
 *
 * @throws BpfError FILE
 */
export function packagedKernel(pattern: string, note: (text: string) => void): PackagedKernel {
  const name = pattern.includes('*') ? newestKnown(pattern) : pattern;
  const directory = cachePath(FORMAT, name);
  const refused = refuseSharedFolder(path.dirname(directory));
  if (refused !== undefined) throw new BpfError('FILE', refused, { path: path.dirname(directory) });
  if (!fs.existsSync(directory)) {
    note(`downloading ${name}`);
    fillDirectory(directory, (draft) => unpack(name, draft));
  }
  const text = fs.readFileSync(path.join(directory, 'package.json'), 'utf8');
  return { directory, ...(JSON.parse(text) as Omit<PackagedKernel, 'directory'>) };
}

/** Where apt keeps what it knows. */
const lists = '/var/lib/apt/lists';

/** The newest that fits: asked of apt once, until its lists are others, since that takes a good part of a second. */
function newestKnown(pattern: string): string {
  const changed = fs.statSync(lists, { throwIfNoEntry: false })?.mtimeMs;
  if (changed === undefined) return newest(pattern);
  const known = cachePath('newest', objectDigest(Buffer.from(JSON.stringify([FORMAT, pattern, changed]))));
  try {
    return fs.readFileSync(known, 'utf8');
  } catch {
    // Not asked yet.
  }
  const name = newest(pattern);
  writeByRename(known, Buffer.from(name));
  return name;
}

function newest(pattern: string): string {
  const [start] = pattern.split('*');
  const expression = new RegExp(`^${pattern.replaceAll(/[.+]/g, '\\$&').replaceAll('*', '[a-z0-9.+~-]*')}$`);
  const known = run('apt-cache', ['pkgnames', start!])?.split('\n') ?? [];
  const kept = fs.existsSync(cachePath(FORMAT)) ? fs.readdirSync(cachePath(FORMAT)) : [];
  const fitting = [...known, ...kept].filter((name) => expression.test(name)).sort(natural().compare);
  const found = fitting.at(-1);
  if (found !== undefined) return found;
  throw new BpfError('FILE', `no kernel package fits '${pattern}'`, {
    path: pattern,
    hint: 'apt-get update, or name one that apt-cache pkgnames linux-image prints',
  });
}

/**
 * All files of a package, as a directory of the cache.
 *
 * @param sha256 that it has to have
 * @throws BpfError FILE
 */
export function unpackPackage(name: string, sha256: string, directory: string): void {
  fillDirectory(directory, (draft) => {
    const archive = download(name, draft);
    const found = createHash('sha256').update(fs.readFileSync(archive)).digest('hex');
    if (found !== sha256)
      throw new BpfError('FILE', `package ${name} is another one than its types come from`, {
        path: name,
        found,
        expected: sha256,
        hint: `remove ${cachePath(FORMAT, name)}, and it is looked at anew`,
      });
    run('dpkg-deb', ['-x', archive, draft]);
    fs.rmSync(archive);
  });
}

/** @returns the file of a package in a directory */
function download(name: string, directory: string): string {
  const args = ['-o', 'APT::Sandbox::User=root', '-qq', 'download', name];
  if (run('apt-get', args, directory) === undefined) {
    throw new BpfError('FILE', `kernel package ${name} cannot be downloaded: there is no apt here`, {
      path: name,
      hint: 'name a file with the types of the kernel instead',
    });
  }
  const file = fs.readdirSync(directory).find((entry) => entry.endsWith('.deb'));
  if (file === undefined) throw new BpfError('FILE', `apt-get download ${name} left no file`, { path: name });
  return path.join(directory, file);
}

function unpack(name: string, directory: string): void {
  const archive = download(name, directory);
  const files = path.join(directory, 'files');
  const sha256 = createHash('sha256').update(fs.readFileSync(archive)).digest('hex');
  const version = run('dpkg-deb', ['-f', archive, 'Version'])?.trim() ?? '';
  run('dpkg-deb', ['-x', archive, files]);
  fs.rmSync(archive);
  const boot = path.join(files, 'boot');
  const image = fs.readdirSync(boot).find((entry) => entry.startsWith('vmlinuz-'));
  if (image === undefined) throw new BpfError('FILE', `package ${name} has no kernel image`, { path: name });
  const release = image.slice('vmlinuz-'.length);
  const { btf, banner = null } = readKernelImage(
    fs.readFileSync(path.join(boot, image)),
    `${name}: ${image}`,
  );
  fs.writeFileSync(path.join(directory, 'vmlinux.btf'), btf);
  fs.copyFileSync(path.join(boot, `config-${release}`), path.join(directory, 'config'));
  packModules(modulesOf(files, release), directory);
  fs.rmSync(files, { recursive: true });
  fs.writeFileSync(
    path.join(directory, 'package.json'),
    JSON.stringify({ package: name, version, sha256, banner }),
  );
}

/** Debian 13 moved /lib into /usr. */
function modulesOf(files: string, release: string): string {
  const places = ['lib', 'usr/lib'].map((lib) => path.join(files, lib, 'modules', release));
  return places.find((place) => fs.existsSync(place)) ?? places[0]!;
}

/** @returns what a command printed; undefined if there is no such command */
function run(command: string, args: readonly string[], cwd?: string): string | undefined {
  const { error, status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (error !== undefined && 'code' in error && error.code === 'ENOENT') return undefined;
  if (status === 0) return stdout;
  const why = error?.message ?? stderr.trim();
  throw new BpfError('FILE', `${command} ${args.join(' ')} failed: ${why}`, { path: args.at(-1) }, error);
}
