import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { once } from './cache';
import { execute } from './execute';

/** Packages whose programs carry objects, as files of their own or inside executables. */
const withObjects = ['xdp-tools', 'libxdp1', 'ir-keytable', 'libbpf-tools'];
/** GCC's compiler for BPF, and the libraries that it needs and a machine may lack. */
const compiler = ['gcc-bpf', 'binutils-bpf', 'libmpc3', 'libmpfr6', 'libgmp10'];

/** The files of Debian's packages that hold BPF objects: the directory that they are unpacked in. */
export async function objectPackages(cache: string): Promise<string> {
  return unpacked(cache, 'object-packages', withObjects);
}

/** Debian's gcc-bpf, not installed: the directory that it is unpacked in. */
export async function gccBpf(cache: string): Promise<string> {
  return unpacked(cache, 'gcc-bpf', compiler);
}

/** What is needed of the kernel's source to compile its selftests and its libbpf: the tree's directory. */
export async function linuxSource(cache: string, version: '6.1' | '6.12'): Promise<string> {
  const name = `linux-source-${version}`;
  return once(path.join(cache, name), async (directory) => {
    await unpack(cache, [name], directory);
    const archive = path.join(directory, 'usr/src', `${name}.tar.xz`);
    await execute('tar', [
      ...['-xJf', archive, '-C', directory, '--strip-components=1'],
      ...['arch', 'include', 'lib', 'testing/selftests/bpf'].map((part) => `${name}/tools/${part}`),
    ]);
    rmSync(path.join(directory, 'usr'), { recursive: true });
  });
}

async function unpacked(cache: string, name: string, packages: readonly string[]): Promise<string> {
  return once(path.join(cache, name), (directory) => unpack(cache, packages, directory));
}

/** Downloads packages from where this machine has its own, and unpacks them without installing anything. */
async function unpack(cache: string, packages: readonly string[], directory: string): Promise<void> {
  const downloads = path.join(cache, 'downloads');
  mkdirSync(downloads, { recursive: true });
  for (const name of packages) {
    const found = () => readdirSync(downloads).find((file) => file.startsWith(`${name}_`));
    if (found() === undefined) await execute('apt-get', ['download', name], { cwd: downloads });
    const file = found();
    if (file === undefined) throw new Error(`apt-get downloaded no package ${name}`);
    await execute('dpkg-deb', ['-x', path.join(downloads, file), directory]);
  }
}
