import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { once } from './cache';
import { execute, inParallel } from './execute';
import { linuxSource } from './packages';

const source = path.join(__dirname, 'oracle.c');
const flags = ['-O2', '-w'];

/** The two programs that load objects with libbpf. */
export interface Oracles {
  /** With the libbpf of the system's packages. */
  readonly first: string;
  /** With the libbpf of Linux 6.12. */
  readonly second: string;
}

/**
 * Compiles `oracle.c` twice, against the installed libbpf and against that of Linux 6.12.
 *
 * @throws Error where the compiler or a header is missing
 */
export async function buildOracles(cache: string): Promise<Oracles> {
  const directory = path.join(cache, 'oracles');
  mkdirSync(directory, { recursive: true });
  return compileTwice(source, cache, directory);
}

/**
 * Compiles a C program that uses libbpf twice into a directory, against the installed libbpf and against that of Linux
 * 6.12.
 *
 * @throws Error where the compiler or a header is missing
 */
export async function compileTwice(program: string, cache: string, directory: string): Promise<Oracles> {
  const oracles = { first: path.join(directory, 'libbpf'), second: path.join(directory, 'libbpf-6.12') };
  try {
    await execute('cc', [...flags, program, '-o', oracles.first, '-lbpf']);
  } catch (error) {
    throw new Error(`${program} does not compile: install libbpf-dev, libelf-dev and zlib1g-dev`, {
      cause: error,
    });
  }
  const linux = await linuxSource(cache, '6.12');
  const libbpf = await buildLibbpf(cache, linux);
  const objects = readdirSync(libbpf).filter((file) => file.endsWith('.o'));
  await execute('cc', [
    ...[...flags, `-I${path.join(libbpf, 'include')}`, `-I${path.join(linux, 'tools/include/uapi')}`],
    ...[program, ...objects.map((file) => path.join(libbpf, file)), '-o', oracles.second, '-lelf', '-lz'],
  ]);
  return oracles;
}

/** The object files of libbpf, and `include/bpf`, where its headers are. */
async function buildLibbpf(cache: string, linux: string): Promise<string> {
  const tools = path.join(linux, 'tools');
  const libbpf = path.join(tools, 'lib/bpf');
  return once(path.join(cache, 'libbpf-6.12'), async (directory) => {
    mkdirSync(path.join(directory, 'include'));
    symlinkSync(libbpf, path.join(directory, 'include/bpf'));
    const sources = readdirSync(libbpf).filter((file) => file.endsWith('.c'));
    await inParallel(sources, async (file) => {
      const includes = ['include', 'include/uapi', 'lib/bpf'].map((part) => `-I${path.join(tools, part)}`);
      const output = path.join(directory, `${file.slice(0, -2)}.o`);
      await execute('cc', [
        ...[...flags, '-D_LARGEFILE64_SOURCE', '-D_FILE_OFFSET_BITS=64', ...includes],
        ...['-c', path.join(libbpf, file), '-o', output],
      ]);
    });
  });
}
