import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface UserBinaryOptions {
  /** A shared object instead of an executable. */
  readonly shared?: boolean;
  readonly architecture?: 'x86_64' | 'aarch64' | 'i386' | undefined;
  /** Further arguments of clang. */
  readonly flags?: readonly string[];
}

const architectures = { x64: 'x86_64', arm64: 'aarch64' } as const;

/**
 * Compiles C to a file for user space that needs nothing but the kernel: no C library, `_start` instead of `main`.
 *
 * @returns the path of the file
 * @throws Error with clang's diagnostics
 */
export function compileBinary(source: string, file: string, options: UserBinaryOptions = {}): string {
  const { shared = false, flags = [] } = options;
  const { architecture = architectures[process.arch as 'x64' | 'arm64'] } = options;
  const input = `${file}.c`;
  writeFileSync(input, source);
  const result = spawnSync(
    'clang-19',
    [
      ...['-target', `${architecture}-linux-gnu`, '-O2', '-ffreestanding', '-nostdlib', '-fuse-ld=lld'],
      ...['-fno-stack-protector', '-fno-asynchronous-unwind-tables', '-ffile-prefix-map=/=.'],
      // sys/sdt.h is the same for every architecture.
      ...['-idirafter', '/usr/include/x86_64-linux-gnu', '-idirafter', '/usr/include/aarch64-linux-gnu'],
      // As GNU ld does: else a page of the file is in memory twice, and the kernel counts a tracer twice.
      '-Wl,-z,separate-code',
      ...(shared ? ['-shared', '-fPIC'] : ['-static']),
      ...flags,
      ...[path.basename(input), '-o', path.basename(file)],
    ],
    { encoding: 'utf8', cwd: path.dirname(file) },
  );
  if (result.status !== 0) throw new Error(`clang failed: ${result.error ?? ''}\n${result.stderr}`);
  return file;
}

/** Compiles traced.c, a program with functions and probes to attach to. @returns the path of the file */
export function compileTraced(file: string, options: UserBinaryOptions = {}): string {
  return compileBinary(readFileSync(path.join(__dirname, 'traced.c'), 'utf8'), file, options);
}
