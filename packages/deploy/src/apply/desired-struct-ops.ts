import { createHash } from 'node:crypto';
import {
  Btf,
  isUpdatableStruct,
  programCapabilities,
  ProgramType,
  structOpsStruct,
  type MapSpec,
  type ObjectSpec,
  type RelocatedObject,
  type RelocatedProgram,
} from '@nx-bpf/loader';
import { type Problems, type ProjectConfig, type StructOpsEntry } from '../manifest';
import { exclusivePlace, type DesiredLink } from '../plan';
import { placeOf, sortedEntries, type PreparedObject } from './prepare';

/** A program of a deployment: under its name, from a function of an object. */
export interface NamedProgram {
  readonly name: string;
  readonly object: string;
  readonly function: string;
}

/**
 * The programs in the structs that the manifest names, each under the name of its function, but for those that the
 * manifest names itself.
 *
 * @param problems receives functions whose name another program has
 */
export function structOpsPrograms(
  config: ProjectConfig,
  objects: readonly PreparedObject[],
  problems: Problems,
): NamedProgram[] {
  const taken = new Map(Object.entries(config.programs).map(([name, { object }]) => [name, object]));
  const found = objects.flatMap(({ name: object, relocated }) =>
    programsInStructs(config, object, relocated).map((program) => ({ object, ...program })),
  );
  return found.flatMap(({ id, object, name }) => {
    const other = taken.get(name);
    taken.set(name, object);
    if (other === undefined) return [{ name, object, function: name }];
    problems.add(
      placeOf(config, [`structOps.${id}`]),
      `struct_ops '${id}': its function '${name}' of object '${object}' has the name of a program of object '${other}': rename one`,
    );
    return [];
  });
}

/**
 * The functions of an object that are loaded as programs because a struct that the manifest names holds them, in the
 * object's order, each once; without those that are programs of the manifest.
 */
export function programsInStructs(
  { programs, structOps }: Pick<ProjectConfig, 'programs' | 'structOps'>,
  object: string,
  parts: Pick<ObjectSpec, 'programs' | 'maps'> | Pick<RelocatedObject, 'programs' | 'maps'>,
): { readonly id: string; readonly name: string }[] {
  const named = new Set(
    Object.values(programs).flatMap((each) => (each.object === object ? [each.function] : [])),
  );
  const holders = sortedEntries(structOps).filter(([, entry]) => entry.object === object);
  const names = parts.programs.map((program) => ({ name: program.name, index: program.function }));
  return names.flatMap(({ name, index }) => {
    const holder = holders.find(([, { map }]) =>
      parts.maps.some(
        (spec) =>
          spec.structOps !== undefined &&
          spec.name === map &&
          spec.slots.some((slot) => 'function' in slot && slot.function === index),
      ),
    );
    return holder === undefined || named.has(name) ? [] : [{ id: holder[0], name }];
  });
}

/** Names of the structs of the manifest that a program is in: it is loaded with each of them. */
export function structsOf(
  { structOps }: ProjectConfig,
  { name: object, relocated }: PreparedObject,
  program: RelocatedProgram,
): string[] {
  const names = Object.values(structOps).flatMap((entry) => (entry.object === object ? [entry.map] : []));
  return relocated.maps
    .filter(({ name, slots }) => {
      return (
        names.includes(name) && slots.some((slot) => 'function' in slot && slot.function === program.function)
      );
    })
    .map(({ name }) => name);
}

/** The structs as something attached. */
export function structOpsLinks(config: ProjectConfig, objects: readonly PreparedObject[]): DesiredLink[] {
  return namedStructs(config, objects).map(({ id, relocated, map }): DesiredLink => {
    const struct = structOpsStruct(map, Btf.parse(relocated.btf!, { object: relocated.name }));
    const { optional } = config.structOps[id]!;
    const link = map.section.endsWith('.link');
    const entry: StructOpsEntry = {
      id,
      optional,
      replace: 'make-before-break',
      netns: null,
      hook: 'struct_ops',
      options: { struct, link },
    };
    return {
      id,
      program: map.name,
      hook: 'struct_ops',
      target: `struct_ops ${struct}`,
      // What the kernel knows it by, and how it is to be used: its name and numbers. Its programs may change.
      spec: createHash('sha256')
        .update(JSON.stringify(['struct_ops', struct, map.flags]))
        .update(map.data ?? '')
        .digest('hex'),
      updatable: link && isUpdatableStruct(struct),
      replace: 'make-before-break',
      exclusive: exclusivePlace(entry),
      uses: { maps: [], programs: [] },
      replaces: null,
      entry,
      capabilities: programCapabilities(ProgramType.struct_ops),
    };
  });
}

interface NamedStruct {
  readonly id: string;
  readonly object: string;
  readonly relocated: RelocatedObject;
  readonly map: MapSpec;
}

function namedStructs(config: ProjectConfig, objects: readonly PreparedObject[]): NamedStruct[] {
  return sortedEntries(config.structOps).flatMap(([id, { object, map: name }]) => {
    const relocated = objects.find((candidate) => candidate.name === object)?.relocated;
    const map = relocated?.maps.find(
      (candidate) => candidate.structOps !== undefined && candidate.name === name,
    );
    return relocated === undefined || map === undefined ? [] : [{ id, object, relocated, map }];
  });
}
