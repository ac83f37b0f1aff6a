import path from 'node:path';
import { BpfError } from '@nx-bpf/loader';
import { type ProjectConfig } from '../manifest';
import { BuiltHere } from './built-here';
import { compileObject, type BuiltObject } from './compile-object';
import { FileDigests } from './file-digests';
import { findClang } from './find-clang';
import { inParallel } from './in-parallel';
import { type Progress } from './step';
import { vmlinuxHeader } from './vmlinux';

export interface BuildOptions {
  /** Absolute directory for objects (`<name>.bpf.o`), dependency files (`.d`) and build records (`.json`). */
  readonly outDir: string;
  /** Receives what clang says besides errors. */
  readonly note?: ((text: string) => void) | undefined;
  /** Is told each object as it begins. */
  readonly progress?: Progress | undefined;
  /** SHA-256 of objects by name, as the lock file has them: these need not have been compiled here. */
  readonly locked?: Readonly<Record<string, string>> | undefined;
  /** Also say how clang is called. */
  readonly verbose?: boolean | undefined;
}

/**
 * Compiles the objects of a project, several at a time. An object is left alone when arguments, compiler and every
 * file that went into it are as they were, and it was compiled here or is locked. Objects are reproducible: the same sources, headers and clang give the same
 * bytes in every checkout. They hold BTF, but no DWARF.
 *
 * @returns sorted by name
 * @throws BpfError TOOLCHAIN_NOT_FOUND, COMPILE_FAILED (with the messages of every object that failed),
 * MANIFEST_INVALID for a source that does not exist
 *
 * @example
 * ```ts
 * const objects = await buildObjects(config, { outDir: '/ws/packages/agent/dist/bpf/dev' });
 * objects[0]?.file; // '/ws/packages/agent/dist/bpf/dev/edge.bpf.o'
 * ```
 */
export async function buildObjects(
  config: ProjectConfig,
  { outDir, note = () => undefined, progress, locked = {}, verbose = false }: BuildOptions,
): Promise<BuiltObject[]> {
  const names = Object.keys(config.objects).sort();
  if (names.length === 0) return [];
  const cache = path.join(config.workspaceRoot, '.nx-bpf', 'cache');
  const clang = await findClang(config.toolchain.clang, path.join(cache, 'toolchain'));
  const vmlinux = vmlinuxHeader(config);
  const digests = new FileDigests();
  const built = new BuiltHere(path.join(cache, 'built'));
  const context = { config, clang, vmlinux, outDir, digests, built, locked, note, verbose };
  const results = await inParallel(names, (name, index) => {
    progress?.({ what: 'compiling', name, number: index + 1, of: names.length });
    return compileObject(name, context);
  });
  const failures = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as unknown] : [],
  );
  if (failures.length > 0) throw combined(failures);
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

/** Several objects that do not compile are one error, which shows them all; anything else goes first, as it is. */
function combined(failures: readonly unknown[]): unknown {
  const compileErrors = failures.filter(
    (failure): failure is BpfError => failure instanceof BpfError && failure.code === 'COMPILE_FAILED',
  );
  const [first] = compileErrors;
  if (first === undefined || compileErrors.length === 1 || compileErrors.length < failures.length) {
    return failures.find((failure) => !compileErrors.includes(failure as BpfError)) ?? first;
  }
  const { file, line, column } = first.fields;
  return new BpfError('COMPILE_FAILED', compileErrors.map(({ message }) => message).join('\n\n'), {
    file,
    line,
    column,
    problems: compileErrors.flatMap(({ fields }) => fields.problems ?? []),
  });
}
