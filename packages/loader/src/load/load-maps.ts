import path from 'node:path';
import { BpfError } from '../errors';
import { pageSize, pinObject, possibleCpus, type Fd } from '../kernel';
import { type MapSpec } from '../object';
import { arenaDataOffset, mapArena } from './arena';
import { fillMap } from './contents';
import { createMap, type CreateContext } from './create-map';
import { type LoadedMap, type LoadOptions } from './loaded';
import { sizedMap } from './map-size';
import { givenMap, pinnedMap } from './open-map';
import { preparePin, unpin } from './pins';
import { fillSlots } from './slots';
import { type Undo } from './undo';

const defaultPinRoot = '/sys/fs/bpf';

/**
 * Create the maps, or open them where they are pinned, or take those handed in; fill the new ones, pin them, and put
 * maps into the slots of maps of maps.
 *
 * @returns in the order of the definitions
 * @throws BpfError MAP_INVALID, MAP_CREATE_FAILED, MAP_INCOMPATIBLE, and what pinning throws
 */
export function loadMaps(
  specs: readonly MapSpec[],
  options: LoadOptions,
  context: CreateContext,
  undo: Undo,
): LoadedMap[] {
  const machine = { possibleCpus: possibleCpus(), pageSize: pageSize() };
  // Every size is settled first: an impossible one fails before anything is made.
  const sized = specs.map((spec) => sizedMap(spec, machine));
  const maps = sized.map((spec) => withArena(loadMap(spec, options, context, undo), undo));
  for (const map of maps) {
    if (map.spec.inner !== undefined && map.origin !== 'given') {
      fillSlots(map, { maps, programs: [] }, context.note);
    }
  }
  return maps;
}

function loadMap(spec: MapSpec, options: LoadOptions, context: CreateContext, undo: Undo): LoadedMap {
  const given = own(options.maps, spec.name);
  if (given !== undefined)
    return { spec, fd: owned(givenMap(spec, given), undo), origin: 'given', pin: undefined };

  const pin = own(options.mapPins, spec.name) ?? pinByName(spec, options.pinRoot ?? defaultPinRoot);
  if (pin === undefined) return { spec, fd: newMap(spec, context, undo), origin: 'created', pin };

  const found = pinnedMap(spec, pin);
  if (found !== undefined) return { spec, fd: owned(found, undo), origin: 'pinned', pin };
  preparePin(pin);
  const fd = newMap(spec, context, undo);
  try {
    pinObject(fd.number, `map '${spec.name}'`, pin);
  } catch (error) {
    // Another process may have pinned the same map since we looked: then its map is the one.
    const theirs =
      error instanceof BpfError && error.code === 'PIN_EXISTS' ? pinnedMap(spec, pin) : undefined;
    if (theirs === undefined) throw error;
    fd.close();
    return { spec, fd: owned(theirs, undo), origin: 'pinned', pin };
  }
  undo.push(() => unpin(pin));
  return { spec, fd, origin: 'created', pin };
}

/** Before a program is verified, its arena has an address. */
function withArena(map: LoadedMap, undo: Undo): LoadedMap {
  const { spec, fd, origin } = map;
  if (spec.origin !== 'arena') return map;
  const memory = origin === 'created' ? mapArena(spec, fd) : undefined;
  undo.push(() => memory?.unmap());
  return { ...map, arena: { offset: arenaDataOffset(spec), memory } };
}

function newMap(spec: MapSpec, context: CreateContext, undo: Undo): Fd {
  const fd = owned(createMap(spec, context), undo);
  fillMap(spec, fd);
  return fd;
}

function owned(fd: Fd, undo: Undo): Fd {
  undo.push(() => fd.close());
  return fd;
}

function pinByName(spec: MapSpec, root: string): string | undefined {
  return spec.pinByName ? path.join(root, spec.name) : undefined;
}

/** A name of the object file such as `constructor` must not find what every object of JavaScript has. */
function own<T>(record: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;
}
