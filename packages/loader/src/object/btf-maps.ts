import { type Btf, BtfKind } from '../btf';
import { type ElfSection } from '../elf';
import { type FunctionTable } from './function-table';
import { kernelName } from './kernel-name';
import { type MapDefinition, type MapError, type MapVariable, readDefinition } from './map-definition';
import { readSlots } from './map-slots';
import { MapType } from './map-types';
import { objectError, type ObjectSource, sectionsOf } from './source';
import { type MapSlot, type MapSpec } from './spec';
import { symbolsAt } from './symbols';

/**
 * The maps of section `.maps`, in the order of their place in it.
 *
 * @param btf types with the offsets of data sections fixed up
 * @throws BpfError BTF_MISSING without types, MAP_STATIC for a static map, MAP_INVALID for a wrong definition
 */
export function btfMaps(source: ObjectSource, functions: FunctionTable): MapSpec[] {
  const { btf } = source;
  const [section] = sectionsOf(source, 'maps');
  if (section === undefined) return [];
  const datasec = btf?.find('.maps', BtfKind.DATASEC) ?? 0;
  if (btf === undefined || datasec === 0)
    throw objectError(
      source,
      'BTF_MISSING',
      'its maps are defined in section .maps, but it has no BTF for them',
      {
        section: '.maps',
        hint: 'compile with -g',
      },
    );
  const variables = Array.from({ length: btf.vlen(datasec) }, (_, i) =>
    readVariable(source, btf, section, datasec, i),
  );
  const slots = readSlots(source, section, variables, functions);
  return variables.map((variable) => toSpec(variable, slots.get(variable.name) ?? []));
}

function readVariable(
  source: ObjectSource,
  btf: Btf,
  section: ElfSection,
  datasec: number,
  i: number,
): MapVariable {
  const id = btf.secVarType(datasec, i);
  const name = btf.name(id);
  const offset = btf.secVarOffset(datasec, i);
  const size = btf.secVarSize(datasec, i);
  const error: MapError = (what) =>
    objectError(source, 'MAP_INVALID', `map '${name}'`, { section: '.maps', map: name, ...what });
  const type = btf.kind(id) === BtfKind.VAR ? btf.resolve(btf.type(id)) : 0;
  if (name === '' || btf.kind(type) !== BtfKind.STRUCT)
    throw error({ found: `'${btf.describe(id)}' in section .maps`, expected: 'a variable of a struct type' });
  if (offset + size > section.size || btf.size(type) > size)
    throw error({ found: `bytes ${offset} to ${offset + size} of a section of ${section.size}` });
  requireGlobal(source, section, name, offset);
  return { name, offset, size, definition: readDefinition(btf, type, error) };
}

/** Only a global symbol can be told apart from its neighbours by what refers to it. */
function requireGlobal(source: ObjectSource, section: ElfSection, name: string, offset: number): void {
  const symbol = symbolsAt(source.symbols, section.index, offset).find(
    (candidate) => candidate.name === name,
  );
  if (symbol !== undefined && symbol.binding !== 'local') return;
  throw objectError(source, 'MAP_STATIC', `map '${name}' is static`, {
    section: section.name,
    map: name,
    hint: "remove 'static': a map needs a name that the whole object sees",
  });
}

function toSpec({ name, definition }: MapVariable, slots: readonly MapSlot[]): MapSpec {
  const { inner } = definition;
  return {
    ...common(name, definition),
    inner: inner && { ...common(`${name}.inner`, inner), inner: undefined, slots: [] },
    slots,
  };
}

function common(name: string, definition: MapDefinition): Omit<MapSpec, 'inner' | 'slots'> {
  return {
    name,
    kernelName: kernelName(name),
    origin: definition.type === MapType.arena ? 'arena' : 'btf',
    section: '.maps',
    type: definition.type,
    keySize: definition.keySize,
    valueSize: definition.valueSize,
    maxEntries: definition.maxEntries,
    flags: definition.flags,
    numaNode: definition.numaNode,
    mapExtra: definition.mapExtra,
    pinByName: definition.pinByName,
    keyTypeId: definition.keyTypeId,
    valueTypeId: definition.valueTypeId,
    data: undefined,
    frozen: false,
  };
}
