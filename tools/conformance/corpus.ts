import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Btf, printC } from '../../packages/loader/src/btf';
import { kernelIdentity } from '../../packages/loader/src/kernel';
import { embeddedObjects } from './embedded-objects';
import { execute, inParallel } from './execute';
import { gccBpf, linuxSource, objectPackages } from './packages';

/** A folder of objects, and the sources that gave none. */
export interface Corpus {
  readonly folder: string;
  readonly uncompiled: readonly string[];
}

/**
 * The objects that the comparison goes through by default, none of them written here: the kernel's selftests, compiled
 * by clang and by GCC, and the objects in Debian's packages.
 */
export async function standardCorpus(cache: string): Promise<Corpus[]> {
  const kernel = path.join(cache, `kernel-${kernelIdentity().buildId ?? kernelIdentity().release}`);
  mkdirSync(kernel, { recursive: true });
  const header = path.join(kernel, 'vmlinux.h');
  if (!existsSync(header)) {
    writeFileSync(header, printC(Btf.parse(readFileSync('/sys/kernel/btf/vmlinux'), { trusted: true })));
  }
  const selftests = path.join(await linuxSource(cache, '6.1'), 'tools/testing/selftests/bpf/progs');
  const includes = includesOf(await linuxSource(cache, '6.1'), kernel);
  const gcc = await gccBpf(cache);
  return [
    await compileAll(selftests, path.join(kernel, 'selftests-clang'), (source, output) =>
      execute('clang-19', [
        ...['-target', 'bpf', '-mcpu=v3', '-O2', '-g', '-w', '-D__TARGET_ARCH_x86', ...includes],
        ...['-c', source, '-o', output],
      ]),
    ),
    await compileAll(selftests, path.join(kernel, 'selftests-gcc'), (source, output) =>
      execute(
        path.join(gcc, 'usr/bin/bpf-gcc'),
        [
          ...['-mcpu=v3', '-O2', '-gbtf', '-mco-re', '-w', '-D__TARGET_ARCH_x86', ...includes],
          ...['-c', source, '-o', output],
        ],
        { env: { LD_LIBRARY_PATH: path.join(gcc, 'usr/lib/x86_64-linux-gnu') } },
      ),
    ),
    packagedObjects(await objectPackages(cache), path.join(cache, 'objects-of-packages')),
  ];
}

function includesOf(linux: string, kernel: string): string[] {
  const selftests = path.join(linux, 'tools/testing/selftests/bpf');
  return [
    ...[`-I${kernel}`, `-I${selftests}`, `-I${path.join(linux, 'tools/include/uapi')}`],
    // libbpf's headers, and those of the C library.
    ...['-idirafter', '/usr/include/x86_64-linux-gnu', '-idirafter', '/usr/include'],
  ];
}

/** Compiles every C file of a folder that has not been compiled yet. A file that does not compile is remembered. */
async function compileAll(
  sources: string,
  folder: string,
  compile: (source: string, output: string) => Promise<void>,
): Promise<Corpus> {
  mkdirSync(folder, { recursive: true });
  const names = readdirSync(sources)
    .filter((file) => file.endsWith('.c'))
    .map((file) => file.slice(0, -2))
    .sort();
  const errorsOf = (name: string) => path.join(folder, `${name}.errors`);
  await inParallel(names, async (name) => {
    const output = path.join(folder, `${name}.bpf.o`);
    if (existsSync(output) || existsSync(errorsOf(name))) return;
    try {
      await compile(path.join(sources, `${name}.c`), `${output}.unfinished`);
      renameSync(`${output}.unfinished`, output);
    } catch (error) {
      writeFileSync(errorsOf(name), String(error));
    }
  });
  return { folder, uncompiled: names.filter((name) => existsSync(errorsOf(name))) };
}

/** Copies every object that is found in the files of packages into one folder. */
function packagedObjects(packages: string, folder: string): Corpus {
  mkdirSync(folder, { recursive: true });
  const files = readdirSync(packages, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  for (const entry of files) {
    const file = path.join(entry.parentPath, entry.name);
    const objects = embeddedObjects(readFileSync(file));
    objects.forEach((object, i) => {
      const name = `${path.basename(entry.name, '.o')}${objects.length > 1 ? `-${i + 1}` : ''}`;
      writeFileSync(path.join(folder, `${name}.bpf.o`), object);
    });
  }
  return { folder, uncompiled: [] };
}
