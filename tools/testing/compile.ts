import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface CompileOptions {
  /** Compile for `bpfeb`. */
  readonly bigEndian?: boolean;
  /** With BTF and line info; on unless false. */
  readonly debug?: boolean;
  readonly cpu?: 'v1' | 'v2' | 'v3' | 'v4';
  /** Further arguments of clang. */
  readonly flags?: readonly string[];
}

const clang = ['clang-19', 'clang'].find((name) => spawnSync(name, ['--version']).status === 0);

/**
 * Compiles C for BPF, for tests that want a real object: the bytes that `clang -c` wrote.
 *
 * @throws Error with clang's diagnostics
 */
export function compile(source: string, options: CompileOptions = {}): Uint8Array {
  if (clang === undefined) throw new Error('tests compile BPF C: install clang');
  const directory = mkdtempSync(path.join(tmpdir(), 'nx-bpf-test-'));
  try {
    writeFileSync(path.join(directory, 'test.bpf.c'), source);
    const result = spawnSync(
      clang,
      [
        ...['-target', options.bigEndian ? 'bpfeb' : 'bpfel', '-O2', `-mcpu=${options.cpu ?? 'v3'}`],
        ...(options.debug === false ? [] : ['-g']),
        // linux/types.h includes asm/types.h, which is in a directory of the host's architecture.
        ...['/usr/include/x86_64-linux-gnu', '/usr/include/aarch64-linux-gnu'].flatMap((p) => [
          '-idirafter',
          p,
        ]),
        ...(options.flags ?? []),
        // The same source gives the same bytes, whatever the directory is called. clang reads the lines of C that it
        // puts into BTF from this directory.
        '-fdebug-compilation-dir=.',
        ...['-c', 'test.bpf.c', '-o', 'test.bpf.o'],
      ],
      { encoding: 'utf8', cwd: directory },
    );
    if (result.status !== 0) throw new Error(`clang failed:\n${result.stderr}`);
    return new Uint8Array(readFileSync(path.join(directory, 'test.bpf.o')));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
