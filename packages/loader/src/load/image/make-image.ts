import { encode, MAP_CREATE, pageSize, possibleCpus, PROG_LOAD } from '../../kernel';
import { isUsdtSection, type MapSpec } from '../../object';
import { type RelocatedObject, type RelocatedProgram } from '../../relocate';
import { BpfError } from '../../errors';
import { mapAttributes } from '../create-map';
import { constantSection, typedPrograms } from '../load-programs';
import { programAttributes } from '../load-program';
import { sizedByCpus } from '../map-rules';
import { sizedMap } from '../map-size';
import { attachWords } from '../program-target';
import {
  Header,
  HEADER_WORDS,
  MAGIC,
  MAP_ATTRIBUTES,
  MAP_WORDS,
  MapFlag,
  PROGRAM_ATTRIBUTES,
  PROGRAM_WORDS,
  ProgramWord,
  VERSION,
} from './format';
import { ImageWriter } from './image-writer';

const recordSizes = { func_info_rec_size: 8, line_info_rec_size: 16 };

/** What is said about an object's maps and programs beside the object. */
export interface ImageNames {
  /** Name of the pin of a map or program: what {@link ImageLoad.pin} pins it as. */
  readonly mapPin: (map: MapSpec) => string;
  readonly programPin: (program: RelocatedProgram) => string;
  /** Instructions that the verifier walked in a program; 0 where nobody knows. */
  readonly cost: (program: RelocatedProgram) => number;
}

/**
 * A relocated object in the form in which it is loaded fastest: the attributes of its system calls, with all that they
 * point to, so that {@link ImageLoad} has nothing to do but to write fds into them.
 *
 * @returns undefined for what takes more than that: addresses of kernel symbols, types of modules, contents that are
 *   maps or programs, arenas, struct_ops, USDT, maps that say themselves where they are pinned
 *
 * @example
 * ```ts
 * const named = ({ name }: { name: string }) => name;
 * const image = makeImage(relocated, { mapPin: named, programPin: named, cost: () => 0 });
 * ```
 */
export function makeImage(object: RelocatedObject, names: ImageNames): Uint8Array | undefined {
  if (!object.littleEndian || !object.maps.every(isPlainMap) || !object.programs.every(isPlainProgram)) {
    return undefined;
  }
  try {
    return write(object, names);
  } catch (error) {
    // What cannot be loaded has no image: whoever loads it is told why.
    if (error instanceof BpfError) return undefined;
    throw error;
  }
}

/**
 * Writes down how many instructions the verifier walked in each program, in the order of the object.
 *
 * @param image what {@link makeImage} made
 *
 * @example
 * ```ts
 * const image = makeImage(relocated, {
 *   mapPin: (map) => map.name,
 *   programPin: (program) => program.name,
 *   cost: () => 0,
 * });
 * if (image !== undefined) setImageCosts(image, [57, 12]);
 * ```
 */
export function setImageCosts(image: Uint8Array, costs: readonly number[]): void {
  const words = new Int32Array(image.buffer, image.byteOffset, image.length / 4);
  costs.forEach((cost, i) => {
    words[words[Header.programTable]! + PROGRAM_WORDS * i + ProgramWord.cost] = cost;
  });
}

function isPlainMap({ origin, inner, slots, structOps, pinByName }: MapSpec): boolean {
  return (
    origin !== 'arena' && inner === undefined && slots.length === 0 && structOps === undefined && !pinByName
  );
}

function isPlainProgram({ bindings, section, attach }: RelocatedProgram): boolean {
  return (
    bindings.every(({ kind }) => kind === 'map' || kind === 'data') &&
    !isUsdtSection(section) &&
    attach?.module === undefined
  );
}

function write(object: RelocatedObject, names: ImageNames): Uint8Array {
  const { maps, programs, btf } = object;
  const machine = { possibleCpus: possibleCpus(), pageSize: pageSize() };
  const out = new ImageWriter(HEADER_WORDS + MAP_WORDS * maps.length + PROGRAM_WORDS * programs.length);
  const mapTable = HEADER_WORDS;
  const programTable = mapTable + MAP_WORDS * maps.length;
  // An fd that stands for one that is not known yet: only whether there is one counts.
  const types = btf === undefined ? undefined : { fd: 0, bytes: btf };

  maps.forEach((spec, i) => {
    const { plain, types: typed } = mapAttributes(sizedMap(spec, machine), { btf: types?.fd });
    const { bytes } = encode(MAP_CREATE, { ...plain, ...typed });
    const data = spec.data ?? new Uint8Array(0);
    const flags =
      (typed === undefined ? 0 : MapFlag.typed) |
      (spec.data === undefined ? 0 : MapFlag.filled) |
      (spec.frozen ? MapFlag.frozen : 0);
    const pin = Buffer.from(`${names.mapPin(spec)}\0`);
    out.words(mapTable + MAP_WORDS * i, [
      ...[out.bytes(bytes, MAP_ATTRIBUTES), flags, out.bytes(data), data.length],
      ...[out.bytes(pin), pin.length],
    ]);
  });

  typedPrograms(programs, undefined).forEach(({ spec, type, attachType }, i) => {
    const attach = attachWords(spec, { type, attachType }, undefined, () => 0);
    const { insns, license, func_info, line_info, ...rest } = programAttributes(
      {
        ...{ spec, type, attachType, instructions: spec.instructions, attach },
        ...{ fdArray: undefined, fdArrayCount: undefined },
      },
      { object, logLevel: 0, btf: undefined },
    );
    void [insns, license, func_info, line_info];
    const debug = types !== undefined && spec.funcInfo.length > 0;
    const { bytes } = encode(PROG_LOAD, { ...rest, ...(debug && recordSizes) });
    const indexes = new Map(maps.map(({ name }, index) => [name, index]));
    const bindings = spec.bindings.flatMap((binding) =>
      'map' in binding ? [binding.insn, indexes.get(binding.map)!] : [],
    );
    const referred = new Set(bindings.filter((_, at) => at % 2 === 1));
    const bound = maps.flatMap((map, index) => (constantSection(map) && !referred.has(index) ? [index] : []));
    const pin = Buffer.from(`${names.programPin(spec)}\0`);
    out.words(programTable + PROGRAM_WORDS * i, [
      ...[out.bytes(bytes, PROGRAM_ATTRIBUTES), out.bytes(spec.instructions), spec.instructions.length / 8],
      ...[out.bytes(debug ? spec.funcInfo : new Uint8Array(0)), debug ? spec.funcInfo.length / 8 : 0],
      ...[out.bytes(debug ? spec.lineInfo : new Uint8Array(0)), debug ? spec.lineInfo.length / 16 : 0],
      ...[out.list(bindings), bindings.length / 2, out.list(bound), bound.length],
      ...[out.bytes(pin), pin.length, names.cost(spec)],
    ]);
  });

  const cpus = maps.some((map) => sizedByCpus.has(map.type) && map.maxEntries === 0)
    ? machine.possibleCpus
    : 0;
  const header: number[] = [];
  header[Header.magic] = MAGIC;
  header[Header.version] = VERSION;
  header[Header.length] = 0;
  header[Header.cpus] = cpus;
  header[Header.btf] = out.bytes(btf ?? new Uint8Array(0));
  header[Header.btfSize] = btf?.length ?? 0;
  header[Header.license] = out.bytes(Buffer.from(`${object.license}\0`));
  header[Header.maps] = maps.length;
  header[Header.mapTable] = mapTable;
  header[Header.programs] = programs.length;
  header[Header.programTable] = programTable;
  header[Header.length] = out.length;
  out.words(0, header);
  return out.whole();
}
