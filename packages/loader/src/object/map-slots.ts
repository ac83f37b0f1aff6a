import { type ElfSection } from '../elf';
import { type BpfError } from '../errors';
import { type FunctionTable } from './function-table';
import { type MapVariable } from './map-definition';
import { MapType } from './map-types';
import { objectError, type ObjectSource } from './source';
import { type MapSlot } from './spec';

/** Bytes of a pointer in the initialiser of `values`. */
const POINTER = 8;

/**
 * What the initialisers of `values` put into each map: the relocations of section `.maps`.
 *
 * @param variables the maps, in the order of their offset
 * @returns the slots by name of the map, in the order of index
 * @throws BpfError MAP_INVALID for a slot that holds neither a map of `.maps` nor a program
 */
export function readSlots(
  source: ObjectSource,
  section: ElfSection,
  variables: readonly MapVariable[],
  functions: FunctionTable,
): Map<string, MapSlot[]> {
  const { symbols } = source.elf;
  const relocations = source.elf.relocations(section);
  const byOffset = new Map(variables.map((variable) => [variable.offset, variable]));
  const slots = new Map<string, MapSlot[]>();
  for (let i = 0; i < relocations.count; i++) {
    const offset = relocations.offset(i);
    const map = ownerOf(variables, offset);
    const symbol = relocations.symbol(i);
    const name = symbols.name(symbol);
    const index = map && slotIndex(map, offset);
    if (map === undefined || index === undefined)
      throw objectError(
        source,
        'MAP_INVALID',
        `a pointer to '${name}' in section .maps belongs to no map's values`,
        {
          section: section.name,
          offset,
          symbol: name,
        },
      );
    const list = slots.get(map.name) ?? [];
    slots.set(map.name, list);
    list.push({ index, ...contents(map, symbol) });
  }
  for (const list of slots.values()) list.sort((a, b) => a.index - b.index);
  return slots;

  function contents(map: MapVariable, symbol: number): { map: string } | { function: number } {
    const at = symbols.section(symbol);
    const value = symbols.value(symbol);
    const name = symbols.name(symbol);
    if (map.definition.type === MapType.prog_array) {
      const index = functions.startingAt(at, value);
      if (index !== undefined && functions.places[index]!.entry && functions.places[index]!.name === name)
        return { function: index };
      throw wrongSlot(source, map, name, 'a program: a global function with a SEC() name');
    }
    if (map.definition.type === MapType.hash_of_maps && map.definition.keySize !== 4)
      throw objectError(source, 'MAP_INVALID', `map '${map.name}' has initial values`, {
        section: section.name,
        map: map.name,
        found: `a key of ${map.definition.keySize} bytes`,
        expected: '4: the place of each value is its key',
      });
    const inner = at === section.index ? byOffset.get(value) : undefined;
    if (inner?.name === name) return { map: name };
    throw wrongSlot(source, map, name, 'a map of section .maps');
  }
}

function wrongSlot(source: ObjectSource, map: MapVariable, found: string, expected: string): BpfError {
  return objectError(source, 'MAP_INVALID', `map '${map.name}', initial values`, {
    section: '.maps',
    map: map.name,
    symbol: found,
    found: `'${found}'`,
    expected,
  });
}

/** The variable that covers an offset: the last one that begins at or before it. */
function ownerOf(variables: readonly MapVariable[], offset: number): MapVariable | undefined {
  let low = 0;
  let high = variables.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (variables[middle]!.offset <= offset) low = middle + 1;
    else high = middle;
  }
  const found = variables[low - 1];
  return found !== undefined && offset + POINTER <= found.offset + found.size ? found : undefined;
}

function slotIndex(map: MapVariable, offset: number): number | undefined {
  const { valuesOffset } = map.definition;
  const bytes = valuesOffset === undefined ? -1 : offset - map.offset - valuesOffset;
  return bytes >= 0 && bytes % POINTER === 0 ? bytes / POINTER : undefined;
}
