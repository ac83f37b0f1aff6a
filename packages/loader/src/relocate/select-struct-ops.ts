import { type MapSpec, type ObjectSpec } from '../object';

/**
 * The struct_ops maps to make. Without names: those whose section is not marked with `?`. With names: those of these
 * names, which no function of the object can have too, and those that hold one of these programs, since a program of a
 * struct_ops is of no use without.
 */
export function selectStructOps(spec: ObjectSpec, names: readonly string[] | undefined): readonly MapSpec[] {
  const all = spec.maps.filter((map) => map.structOps !== undefined);
  if (names === undefined) return all.filter((map) => map.structOps!.autocreate);
  const named = new Set(
    spec.programs.flatMap((program) => (names.includes(program.name) ? [program.function] : [])),
  );
  return all.filter(
    (map) => names.includes(map.name) || [...functionsIn([map])].some((index) => named.has(index)),
  );
}

/** The functions in slots of maps, as indices. */
export function functionsIn(maps: readonly MapSpec[]): ReadonlySet<number> {
  return new Set(
    maps.flatMap(({ slots }) => slots.flatMap((slot) => ('function' in slot ? [slot.function] : []))),
  );
}
