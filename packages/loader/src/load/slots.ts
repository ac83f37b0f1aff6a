import { mapUpdate } from '../kernel';
import { BpfError } from '../errors';
import { type LoadedMap, type LoadedProgram } from './loaded';

/**
 * Put maps into the initial slots of a map of maps, or programs into those of a prog array.
 *
 * @param note is told of slots that stay empty, because their program is not loaded
 * @throws BpfError MAP_CREATE_FAILED naming the slot
 */
export function fillSlots(
  map: LoadedMap,
  loaded: { readonly maps: readonly LoadedMap[]; readonly programs: readonly LoadedProgram[] },
  note: (text: string) => void,
): void {
  for (const slot of map.spec.slots) {
    const content =
      'map' in slot
        ? loaded.maps.find((candidate) => candidate.spec.name === slot.map)
        : loaded.programs.find((candidate) => candidate.spec.function === slot.function);
    if (content === undefined) {
      note(`map '${map.spec.name}': slot ${slot.index} stays empty, its program is not loaded`);
      continue;
    }
    putFd(map, slot.index, content.fd.number, content.spec.name);
  }
}

function putFd(map: LoadedMap, index: number, fd: number, content: string): void {
  const words = Uint32Array.of(index, fd);
  const bytes = new Uint8Array(words.buffer);
  try {
    mapUpdate(map.fd.number, bytes.subarray(0, 4), bytes.subarray(4));
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    throw new BpfError(
      'MAP_CREATE_FAILED',
      `map '${map.spec.name}': '${content}' cannot be put into slot ${index}: ${error.fields.errno}`,
      { map: map.spec.name, symbol: content, errno: error.fields.errno, hint: slotHint(map) },
      error,
    );
  }
}

function slotHint(map: LoadedMap): string {
  const holdsMaps = map.spec.inner !== undefined;
  return holdsMaps
    ? `an inner map must be defined like the template, and the index be below max_entries (${map.spec.maxEntries})`
    : `all programs of a prog array must be of one type, and the index be below max_entries (${map.spec.maxEntries})`;
}
