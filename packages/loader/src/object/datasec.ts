import { type Btf, BtfKind, type DatasecLayout, Linkage, withDatasecLayout } from '../btf';
import { type KconfigLayout } from './externs';
import { objectError, type ObjectSource } from './source';
import { type DefinedSymbol } from './symbols';

/**
 * The object's types with the sizes of data sections and the offsets of their variables filled in, in little endian.
 * clang leaves the size 0 and writes the offsets of static variables only; the rest is in the ELF symbols. Objects
 * that a static linker put together are right already.
 *
 * @throws BpfError BTF_MALFORMED for a variable or section of which the file has types and nothing else
 */
export function fixDatasecs(source: ObjectSource, kconfig: KconfigLayout): Btf | undefined {
  const { btf } = source;
  if (btf === undefined) return undefined;
  const layouts: DatasecLayout[] = [];
  const seen = new Set<string>();
  for (let id = btf.firstId; id < btf.endId; id++) {
    if (btf.kind(id) !== BtfKind.DATASEC) continue;
    const name = btf.name(id);
    if (seen.has(name))
      throw objectError(source, 'BTF_MALFORMED', `section '${name}' has types twice`, { section: name });
    seen.add(name);
    if (name === '.kconfig') layouts.push(kconfigDatasec(btf, id, kconfig));
    // What `.ksyms` lists is in the kernel, not in the object: it has no layout.
    else if (name !== '.ksyms' && btf.size(id) === 0) layouts.push(fromSymbols(source, btf, id));
  }
  return withDatasecLayout(btf, layouts);
}

function kconfigDatasec(btf: Btf, id: number, kconfig: KconfigLayout): DatasecLayout {
  const offsets = entries(btf, id).map((variable) => kconfig.offsets.get(btf.name(variable)) ?? 0);
  return { id, size: kconfig.size, offsets };
}

function fromSymbols(source: ObjectSource, btf: Btf, id: number): DatasecLayout {
  const name = btf.name(id);
  const section = source.elf.section(name);
  if (section === undefined || section.size === 0)
    throw objectError(
      source,
      'BTF_MALFORMED',
      `the types of section '${name}' are there, the section is not`,
      {
        section: name,
      },
    );
  const symbols = new Map<string, DefinedSymbol>();
  for (const symbol of source.symbols.defined.get(section.index) ?? []) {
    if (!symbol.function && symbol.binding !== 'local') symbols.set(symbol.name, symbol);
  }
  const offsets = entries(btf, id).map((variable, i) => {
    const known = btf.kind(variable) !== BtfKind.VAR || btf.linkage(variable) !== Linkage.GLOBAL;
    if (known) return btf.secVarOffset(id, i);
    const symbol = symbols.get(btf.name(variable));
    if (symbol !== undefined) return symbol.offset;
    throw objectError(source, 'BTF_MALFORMED', `variable '${btf.name(variable)}' has a type and no symbol`, {
      section: name,
      symbol: btf.name(variable),
      hint: "compile again; to strip an object, use 'llvm-strip -g'",
    });
  });
  return { id, size: section.size, offsets };
}

function entries(btf: Btf, id: number): number[] {
  return Array.from({ length: btf.vlen(id) }, (_, i) => btf.secVarType(id, i));
}
