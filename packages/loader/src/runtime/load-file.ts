import { readFileSync } from 'node:fs';
import { type Btf } from '../btf';
import { BpfError } from '../errors';
import { runningKernel } from '../kernel';
import { loadObject, type LoadOptions } from '../load';
import { objectName, parseObject } from '../object';
import { relocateObject, withConstants, withMaps, type MapOverride } from '../relocate';
import { Collection } from './collection';

export interface LoadFileOptions extends LoadOptions {
  /** Values of `const volatile` globals, by name, typed by BTF: set before the programs are verified. */
  readonly constants?: Readonly<Record<string, unknown>> | undefined;
  /** Other sizes and flags of maps, by name. */
  readonly mapOverrides?: Readonly<Record<string, MapOverride>> | undefined;
  /** Types to resolve CO-RE against in place of the running kernel's. */
  readonly coreTypes?: Btf | undefined;
}

/**
 * Read an object file, relocate it against the running kernel and load it: the whole way, for a program that uses the
 * loader as a library.
 *
 * @param path of an object that clang compiled with `-target bpf -g`
 * @returns its programs, maps and variables; the caller closes it
 * @throws BpfError FILE, ELF_*, BTF_*, PROGRAM_*, MAP_*, CORE_*, CONSTANT_*, VERIFIER_REJECTED, PRIVILEGE_MISSING, ...:
 *   nothing stays in the kernel
 *
 * @example
 * ```ts
 * const collection = loadFile('edge.bpf.o', { constants: { sample_rate: 100 } });
 * collection.attach('exec_monitor', 'tp_btf', {});
 * for await (const event of new RingBuffer(collection.map('events'), { type: 'struct exec_event' })) {
 *   console.log(event);
 * }
 * ```
 */
export function loadFile(path: string, options: LoadFileOptions = {}): Collection {
  const { constants = {}, mapOverrides = {}, coreTypes, ...loadOptions } = options;
  const spec = parseObject(readObject(path), { name: objectName(path) });
  const related = relocateObject(spec, runningKernel(), {
    programs: options.programs,
    attachedToPrograms: Object.keys(options.attachTargets ?? {}),
    coreTypes,
  });
  const relocated = withMaps(withConstants(related, constants), mapOverrides);
  return new Collection(relocated, loadObject(relocated, loadOptions));
}

function readObject(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new BpfError(
      'FILE',
      `object ${path} cannot be read`,
      { path, hint: 'compile it first, or correct the path' },
      error,
    );
  }
}
