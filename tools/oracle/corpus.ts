import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { Btf, printC } from '../../packages/loader/src/btf';

const repository = path.resolve(__dirname, '../..');
const folders = [
  { folder: 'packages/loader/test/corpus', includes: [] },
  { folder: 'packages/agent/src', includes: ['packages/agent/include'] },
];

/** A C file of the corpus or of the agent. */
export interface CorpusFile {
  /** Without `.bpf.c`. */
  readonly name: string;
  readonly source: string;
  readonly includes: readonly string[];
  /** Why bpftool does not load it, as its first comment says; undefined where it does. */
  readonly notForBpftool: string | undefined;
}

/** Every C file that the comparison goes through, by name. */
export function corpusFiles(): CorpusFile[] {
  return folders.flatMap(({ folder, includes }) =>
    readdirSync(path.join(repository, folder))
      .filter((file) => file.endsWith('.bpf.c'))
      .sort()
      .map((file) => {
        const source = path.join(repository, folder, file);
        const firstLine = readFileSync(source, 'utf8').split('\n', 1)[0] ?? '';
        return {
          name: file.slice(0, -'.bpf.c'.length),
          source,
          includes: includes.map((include) => path.join(repository, include)),
          notForBpftool: /Not for bpftool: (.*?)\s*\*\//.exec(firstLine)?.[1],
        };
      }),
  );
}

/**
 * Compiles the files into a directory, as many at a time as there are CPUs, against a vmlinux.h that is made there
 * from the running kernel's types.
 *
 * @param target `bpfeb` for objects of the other byte order
 * @returns the object file of each, by name
 * @throws Error with clang's diagnostics
 */
export async function compileCorpus(
  files: readonly CorpusFile[],
  directory: string,
  target: 'bpf' | 'bpfeb' = 'bpf',
): Promise<Map<string, string>> {
  const header = path.join(directory, 'vmlinux.h');
  const precompiled = path.join(directory, 'vmlinux.pch');
  const kernelTypes = Btf.parse(readFileSync('/sys/kernel/btf/vmlinux'), { trusted: true });
  writeFileSync(header, printC(kernelTypes));
  // Reading 130,000 lines takes most of the time of a small file's compilation: they are read once.
  await clang(target, ['-x', 'c-header', header, '-o', precompiled]);

  const objects = new Map<string, string>();
  const waiting = [...files];
  const compileNext = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const output = path.join(directory, `${file.name}.bpf.o`);
      const includes = [directory, ...file.includes].map((include) => `-I${include}`);
      await clang(target, [
        '-include-pch',
        precompiled,
        ...includes,
        '-Wall',
        '-Werror',
        '-c',
        file.source,
        '-o',
        output,
      ]);
      objects.set(file.name, output);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, compileNext));
  return objects;
}

async function clang(target: string, args: readonly string[]): Promise<void> {
  await promisify(execFile)('clang-19', ['-target', target, '-g', '-O2', '-mcpu=v3', ...args]);
}
