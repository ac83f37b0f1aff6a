import { createHash } from 'node:crypto';
import {
  Btf,
  hooks,
  instructionsDigest,
  mapAbiDigest,
  mapTypeName,
  programTypeName,
  type MapSpec,
  type RelocatedObject,
  type RelocatedProgram,
} from '@nx-bpf/loader';
import { defaultMap, type AttachEntry, type MapConfig, type Problems, type ProjectConfig } from '../manifest';
import { type Desired, type DesiredMap } from '../plan';
import { mapPin, type Layout, type ProgramIdentity } from '../state';
import { placeOf, sortedEntries, type PreparedObject } from './prepare';

/**
 * What the manifest and its objects ask for. What does not fit together goes into `problems`: objects that define a
 * map of one name differently, a map of the manifest that no object has, a program without a type.
 */
export function desiredState(
  config: ProjectConfig,
  layout: Layout,
  objects: readonly PreparedObject[],
  problems: Problems,
): Desired {
  const programs = sortedEntries(config.programs).flatMap(
    ([name, { object, function: entry }]): ProgramIdentity[] => {
      const prepared = objects.find((candidate) => candidate.name === object);
      const program = prepared?.relocated.programs.find((candidate) => candidate.name === entry);
      if (prepared === undefined || program === undefined) return [];
      return [
        {
          name,
          object,
          function: entry,
          section: program.section,
          type: program.type === undefined ? 'unknown' : programTypeName(program.type),
          insns: program.instructions.length / 8,
          instructions: instructionsDigest(program.instructions),
          maps: mapsOf(prepared.relocated, program).map((map) => deployedName(object, map)),
        },
      ];
    },
  );
  return {
    project: config.project,
    environment: config.environment,
    revision: config.revision,
    objects: objects
      .filter((object) => object.functions.length > 0)
      .map(({ name, digest, constants }) => ({ name, object: digest, constants })),
    programs,
    maps: desiredMaps(config, layout, objects, problems),
    links: sortedEntries(config.programs)
      .flatMap(([program, { attach }]) => attach.map((entry) => ({ program, entry })))
      .map(({ program, entry }) => ({
        id: entry.id,
        program,
        hook: entry.hook,
        target: targetText(entry),
        spec: createHash('sha256')
          .update(JSON.stringify([entry.hook, entry.netns, entry.options]))
          .digest('hex'),
        updatable: hooks[entry.hook].update === 'swap',
      }))
      .sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)),
  };
}

/**
 * A map's name in a deployment: its own if objects share it by name, with the object's before it if it is a data
 * section of that object (`edge.rodata`).
 */
export function deployedName(object: string, map: MapSpec): string {
  return isData(map) ? `${object}${map.name.startsWith('.') ? '' : '.'}${map.name}` : map.name;
}

export function isData(map: MapSpec): boolean {
  return map.origin === 'data' || map.origin === 'kconfig';
}

/** Maps that a program's instructions name, and those that their initial slots hold, sorted by name. */
function mapsOf(relocated: RelocatedObject, program: RelocatedProgram): MapSpec[] {
  const byName = new Map(relocated.maps.map((map) => [map.name, map]));
  const found = new Set<MapSpec>();
  const reach = (name: string): void => {
    const map = byName.get(name);
    if (map === undefined || found.has(map)) return;
    found.add(map);
    for (const slot of map.slots) if ('map' in slot) reach(slot.map);
  };
  for (const binding of program.bindings)
    if (binding.kind === 'map' || binding.kind === 'data') reach(binding.map);
  return [...found].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function desiredMaps(
  config: ProjectConfig,
  layout: Layout,
  objects: readonly PreparedObject[],
  problems: Problems,
): DesiredMap[] {
  const maps = new Map<string, { map: DesiredMap; object: string }>();
  for (const { name: object, relocated } of objects) {
    const btf = relocated.btf === undefined ? undefined : Btf.parse(relocated.btf, { object });
    const used = new Set(relocated.programs.flatMap((program) => mapsOf(relocated, program)));
    for (const spec of relocated.maps) {
      if (!used.has(spec)) continue;
      const name = deployedName(object, spec);
      const settings = config.maps[name] ?? defaultMap;
      const map: DesiredMap = {
        name,
        type: mapTypeName(spec.type),
        keySize: spec.keySize,
        valueSize: spec.valueSize,
        maxEntries: spec.maxEntries,
        flags: spec.flags,
        abi: mapAbiDigest(spec, btf),
        pin: pinOf(layout, name, settings),
        data: isData(spec) ? object : undefined,
        migrate: settings.migrate,
      };
      const other = maps.get(name);
      if (other === undefined) maps.set(name, { map, object });
      else if (other.map.abi !== map.abi) {
        problems.add(
          placeOf(config, [`maps.${name}`, `objects.${object}`, 'objects']),
          `map '${name}' is defined in two ways: ${definition(other.map)} in object '${other.object}', ` +
            `${definition(map)} in object '${object}'; objects of a project share a map by its name: ` +
            'define it in one header, or give one of them another name',
        );
      }
    }
  }
  const defined = new Set(
    objects.flatMap(({ name, relocated }) => relocated.maps.map((map) => deployedName(name, map))),
  );
  for (const [name, settings] of sortedEntries(config.maps)) {
    if (defined.has(name) || settings.optional) continue;
    problems.add(
      placeOf(config, [`maps.${name}`]),
      `map '${name}': no object defines it; known are ${[...defined].sort().join(', ') || 'none'}`,
    );
  }
  return [...maps.values()].map(({ map }) => map).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function definition(map: DesiredMap): string {
  const numbers = `key ${map.keySize}, value ${map.valueSize}, max_entries ${map.maxEntries}, flags 0x${map.flags.toString(16)}`;
  return `${map.type} (${numbers}, layout ${map.abi.slice(0, 8)})`;
}

function pinOf(layout: Layout, name: string, settings: MapConfig): string | undefined {
  if (settings.pin === 'none') return undefined;
  return typeof settings.pin === 'string' ? mapPin(layout, name) : settings.pin.path;
}

/** Where an attachment goes, for people, before it is made: the made link says it better. */
function targetText(entry: AttachEntry): string {
  const values = Object.values(entry.options as Record<string, string | undefined>).filter(
    (value) => value !== undefined,
  );
  return [entry.hook, ...values, ...(entry.netns === null ? [] : [`in netns ${entry.netns}`])].join(' ');
}
