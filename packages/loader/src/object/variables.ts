import { type Btf, BtfKind } from '../btf';
import { type ObjectSource, sectionsOf } from './source';
import { type VariableSpec } from './spec';

/**
 * The variables of the data sections, static ones included, in the order of section and offset. What the compiler
 * made for itself (string literals) has no symbol of a C name and is left out.
 *
 * @param source its types with the offsets of data sections fixed up
 * @param arena name of the map that holds the variables of an arena
 */
export function readVariables(source: ObjectSource, arena: string | undefined): VariableSpec[] {
  const { btf } = source;
  return sectionsOf(source, 'data', 'rodata', 'bss', 'arena').flatMap((section) => {
    const types = btf === undefined ? new Map<string, number>() : variableTypes(btf, section.name);
    const symbols = source.symbols.defined.get(section.index) ?? [];
    return symbols
      .filter((symbol) => !symbol.function && symbol.name !== '' && !symbol.name.startsWith('.'))
      .map(({ name, offset, size, binding, hidden }) => ({
        name,
        map: source.roles[section.index] === 'arena' ? arena! : section.name,
        offset,
        size,
        typeId: types.get(variableKey(name, offset)) ?? 0,
        binding,
        hidden,
      }));
  });
}

/** Types of a section's variables. Statics of several linked files may share a name, so the offset counts too. */
function variableTypes(btf: Btf, section: string): Map<string, number> {
  const types = new Map<string, number>();
  const datasec = btf.find(section, BtfKind.DATASEC);
  if (datasec === 0) return types;
  for (let i = 0; i < btf.vlen(datasec); i++) {
    const variable = btf.secVarType(datasec, i);
    if (btf.kind(variable) !== BtfKind.VAR) continue;
    types.set(variableKey(btf.name(variable), btf.secVarOffset(datasec, i)), btf.type(variable));
  }
  return types;
}

function variableKey(name: string, offset: number): string {
  return `${offset} ${name}`;
}
