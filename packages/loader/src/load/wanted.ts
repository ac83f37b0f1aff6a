import { BpfError, nearest } from '../errors';
import { type MapSpec } from '../object';
import { type RelocatedObject, type RelocatedProgram } from '../relocate';

/** What is to be loaded of an object, each list in the object's order. */
export interface Wanted {
  readonly programs: readonly RelocatedProgram[];
  readonly maps: readonly MapSpec[];
}

/**
 * The programs and maps to load.
 *
 * Without names that is all that the object holds, as libbpf has it: every program that it was relocated for, and
 * every map. With names it is these programs, the maps they refer to, the maps and programs in those maps' slots, and so on: a prog array whose
 * programs are missing would make tail calls fall through unseen. A program of
 * a struct_ops brings that along, and the name of a struct_ops its programs.
 *
 * @throws BpfError PROGRAM_NOT_FOUND
 */
export function wanted(object: RelocatedObject, names: readonly string[] | undefined): Wanted {
  if (names === undefined) return { programs: object.programs, maps: object.maps };
  const mapByName = new Map(object.maps.map((map) => [map.name, map]));
  const programByFunction = new Map(object.programs.map((program) => [program.function, program]));
  const programs = new Set<RelocatedProgram>();
  const maps = new Set<MapSpec>();

  const addMap = (name: string): void => {
    const map = mapByName.get(name);
    if (map === undefined || maps.has(map)) return;
    maps.add(map);
    for (const slot of map.slots) {
      if ('map' in slot) addMap(slot.map);
      else addProgram(programByFunction.get(slot.function));
    }
  };
  const addProgram = (program: RelocatedProgram | undefined): void => {
    if (program === undefined || programs.has(program)) return;
    programs.add(program);
    for (const binding of program.bindings) {
      if (binding.kind === 'map' || binding.kind === 'data') addMap(binding.map);
    }
  };
  for (const name of names) {
    if (mapByName.get(name)?.structOps !== undefined) {
      addMap(name);
      continue;
    }
    const program = programNamed(object, name);
    addProgram(program);
    for (const map of structOpsWith(object, program)) addMap(map.name);
  }
  return {
    programs: object.programs.filter((program) => programs.has(program)),
    maps: object.maps.filter((map) => maps.has(map)),
  };
}

/**
 * The part of an object that is loaded for some of its programs.
 *
 * @param names as `LoadOptions.programs` has them
 * @throws BpfError PROGRAM_NOT_FOUND
 *
 * @example
 * ```ts
 * wantedPart(relocated, ['edge_guard']).programs.length; // 1
 * ```
 */
export function wantedPart(object: RelocatedObject, names: readonly string[] | undefined): RelocatedObject {
  return names === undefined ? object : { ...object, ...wanted(object, names) };
}

function structOpsWith({ maps }: RelocatedObject, program: RelocatedProgram): MapSpec[] {
  return maps.filter(
    ({ structOps, slots }) =>
      structOps !== undefined &&
      slots.some((slot) => 'function' in slot && slot.function === program.function),
  );
}

function programNamed(object: RelocatedObject, name: string): RelocatedProgram {
  const found = object.programs.find((program) => program.name === name);
  if (found !== undefined) return found;
  const known = object.programs.map((program) => program.name);
  const near = nearest(name, known);
  throw new BpfError('PROGRAM_NOT_FOUND', `${object.name}: no program '${name}' was relocated`, {
    object: object.name,
    program: name,
    expected: known.length > 0 ? `one of ${known.join(', ')}` : 'an object that was relocated for it',
    hint: near.length > 0 ? `did you mean '${near.join("' or '")}'?` : undefined,
  });
}
