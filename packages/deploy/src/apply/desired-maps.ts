import {
  Btf,
  mapAbiDigest,
  MapType,
  mapTypeName,
  type MapSpec,
  type RelocatedObject,
  type RelocatedProgram,
} from '@nx-bpf/loader';
import { defaultMap, type MapConfig, type Problems, type ProjectConfig } from '../manifest';
import { type DesiredMap } from '../plan';
import { mapPin, sharedMapPin, typeFields, type Layout } from '../state';
import { placeOf, sortedEntries, type PreparedObject } from './prepare';

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

/** Maps that a program's instructions name, and what the initial slots of those bring along, sorted by name. */
export function mapsOf(relocated: RelocatedObject, program: RelocatedProgram): MapSpec[] {
  const maps = new Map(relocated.maps.map((map) => [map.name, map]));
  const programs = new Map(relocated.programs.map((each) => [each.function, each]));
  const found = new Set<MapSpec | RelocatedProgram>();
  const reachMap = (name: string): void => {
    const map = maps.get(name);
    if (map === undefined || found.has(map)) return;
    found.add(map);
    for (const slot of map.slots)
      if ('map' in slot) reachMap(slot.map);
      else reachProgram(programs.get(slot.function));
  };
  const reachProgram = (reached: RelocatedProgram | undefined): void => {
    if (reached === undefined || found.has(reached)) return;
    found.add(reached);
    for (const binding of reached.bindings)
      if (binding.kind === 'map' || binding.kind === 'data') reachMap(binding.map);
  };
  reachProgram(program);
  return relocated.maps.filter((map) => found.has(map)).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The maps that the programs of the manifest use, each under its name in the deployment, sorted. */
export function desiredMaps(
  config: ProjectConfig,
  layout: Layout,
  objects: readonly PreparedObject[],
  problems: Problems,
): DesiredMap[] {
  const found = new Map<string, { map: DesiredMap; object: string }>();
  for (const { name: object, relocated } of objects) {
    const btf = relocated.btf === undefined ? undefined : Btf.parse(relocated.btf, { object });
    const used = new Set(relocated.programs.flatMap((program) => mapsOf(relocated, program)));
    const structs = Object.values(config.structOps).filter((entry) => entry.object === object);
    for (const spec of relocated.maps)
      if (spec.structOps !== undefined && structs.some(({ map }) => map === spec.name)) used.add(spec);
    for (const spec of relocated.maps) {
      if (!used.has(spec)) continue;
      const map = desiredMap(config, layout, object, spec, btf);
      const { name } = map;
      const complain = (text: string): void =>
        problems.add(
          placeOf(config, [`maps.${name}`, `objects.${object}`, 'objects']),
          `map '${name}' ${text}`,
        );
      if (spec.type === MapType.prog_array && map.pin === undefined) {
        complain('must be pinned: the kernel empties a prog array that user space has no fd or pin of');
      }
      if (
        spec.structOps !== undefined &&
        (settingsOf(config, name).pin !== 'project' || spec.maxEntries !== 1)
      ) {
        complain('is a struct_ops, which belongs to its project: leave its pin and its size as they are');
      }
      const other = found.get(name);
      if (other === undefined) {
        found.set(name, { map, object });
      } else if (other.map.abi !== map.abi) {
        complain(
          `is defined in two ways: ${definition(other.map)} in object '${other.object}', ` +
            `${definition(map)} in object '${object}'; objects of a project share a map by its name: ` +
            'define it in one header, or give one of them another name',
        );
      } else if (hasSlots(map) && hasSlots(other.map)) {
        complain(`gets its slots from two objects, '${other.object}' and '${object}': let one of them do it`);
      } else if (hasSlots(map)) {
        found.set(name, { map, object });
      }
    }
  }
  const maps = [...found.values()].map(({ map }) => map).sort((a, b) => (a.name < b.name ? -1 : 1));
  checkAllDefined(config, objects, problems);
  checkPins(config, layout, maps, problems);
  return maps;
}

function desiredMap(
  config: ProjectConfig,
  layout: Layout,
  object: string,
  spec: MapSpec,
  btf: Btf | undefined,
): DesiredMap {
  const name = deployedName(object, spec);
  const settings = settingsOf(config, name);
  const ownedByObject =
    isData(spec) || spec.structOps !== undefined || spec.slots.some((slot) => !('map' in slot));
  return {
    name,
    type: mapTypeName(spec.type),
    keySize: spec.keySize,
    valueSize: spec.valueSize,
    maxEntries: spec.maxEntries,
    flags: spec.flags,
    abi: mapAbiDigest(spec, btf),
    key: btf === undefined || spec.keyTypeId === 0 ? null : typeFields(btf, spec.keyTypeId),
    value: btf === undefined || spec.valueTypeId === 0 ? null : typeFields(btf, spec.valueTypeId),
    pin: pinOf(layout, name, settings),
    object: ownedByObject ? object : undefined,
    slots: spec.slots.flatMap((slot) => ('map' in slot ? [`${slot.index}=${slot.map}`] : [])),
    migrate: settings.migrate,
    protect: settings.protect,
    shared: settings.pin === 'shared',
  };
}

/** A map may be called `constructor`, as what every object of JavaScript has. */
function settingsOf(config: ProjectConfig, name: string): MapConfig {
  return Object.hasOwn(config.maps, name) ? config.maps[name]! : defaultMap;
}

/** Whether an object says what is in a map's slots, be it programs or maps. */
function hasSlots({ object, slots }: DesiredMap): boolean {
  return object !== undefined || slots.length > 0;
}

/** Maps of the manifest that no object has. */
function checkAllDefined(
  config: ProjectConfig,
  objects: readonly PreparedObject[],
  problems: Problems,
): void {
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
}

/** Maps that would take each other's pins, or one of ours. */
function checkPins(
  config: ProjectConfig,
  layout: Layout,
  maps: readonly DesiredMap[],
  problems: Problems,
): void {
  const pinned = new Map<string, string>();
  for (const { name, pin } of maps) {
    if (pin === undefined) continue;
    const place = placeOf(config, [`maps.${name}.pin`, `maps.${name}`, 'objects']);
    const other = pinned.get(pin);
    if (other !== undefined) {
      problems.add(place, `maps '${other}' and '${name}' are both pinned at ${pin}: rename one`);
    }
    if (
      ![mapPin(layout, name), sharedMapPin(layout, name)].includes(pin) &&
      pin.startsWith(`${layout.root}/`)
    ) {
      problems.add(place, `map '${name}': pin ${pin} is below ${layout.root}, which nx-bpf lays out itself`);
    }
    pinned.set(pin, name);
  }
}

function definition(map: DesiredMap): string {
  const numbers = `key ${map.keySize}, value ${map.valueSize}, max_entries ${map.maxEntries}, flags 0x${map.flags.toString(16)}`;
  return `${map.type} (${numbers}, layout ${map.abi.slice(0, 8)})`;
}

function pinOf(layout: Layout, name: string, settings: MapConfig): string | undefined {
  if (settings.pin === 'none') return undefined;
  if (settings.pin === 'shared') return sharedMapPin(layout, name);
  return settings.pin === 'project' ? mapPin(layout, name) : settings.pin.path;
}
