import { CALL } from '../asm';
import { type Btf, BtfKind } from '../btf';
import { objectError, type ObjectSource, sectionsOf } from './source';
import { type ExternSpec } from './spec';
import { compareText } from './symbols';

/** Where the externs of `.kconfig` lie in the map that is made for them. */
export interface KconfigLayout {
  /** Bytes of the map's value, 0 when there are no such externs. */
  readonly size: number;
  /** By name. */
  readonly offsets: ReadonlyMap<string, number>;
}

/** The externs of an object, and the index of each by the index of its ELF symbol. */
export interface Externs {
  readonly specs: readonly ExternSpec[];
  readonly bySymbol: ReadonlyMap<number, number>;
}

/** No value of a kernel configuration is longer. */
const MAX_VALUE = 4096;

/**
 * Lays out the externs of `.kconfig` in the order of libbpf: the widest alignment first, in it the smallest size,
 * then by name.
 *
 * @throws BpfError MAP_INVALID for a type without a size, or one that no value has
 */
export function layoutKconfig(source: ObjectSource): KconfigLayout {
  const { btf } = source;
  const offsets = new Map<string, number>();
  if (btf === undefined) return { size: 0, offsets };
  const values = variablesIn(btf, '.kconfig').map((variable) => {
    const name = btf.name(variable);
    const size = btf.byteSize(btf.type(variable));
    if (size > MAX_VALUE)
      throw objectError(source, 'MAP_INVALID', `extern '${name}' of section .kconfig`, {
        section: '.kconfig',
        symbol: name,
        found: `a type of ${size} bytes`,
        expected: `at most ${MAX_VALUE}`,
      });
    return { name, size, alignment: btf.alignment(btf.type(variable)) };
  });
  values.sort((a, b) => b.alignment - a.alignment || a.size - b.size || compareText(a.name, b.name));
  let end = 0;
  for (const { name, size, alignment } of values) {
    const offset = Math.ceil(end / alignment) * alignment;
    offsets.set(name, offset);
    end = offset + size;
  }
  return { size: end, offsets };
}

/** What the object's symbol table leaves undefined, by name, with what its types say about each. */
export function readExterns(source: ObjectSource, kconfig: KconfigLayout): Externs {
  const declared = declarations(source.btf);
  const called = calledSymbols(source);
  const specs: ExternSpec[] = [];
  const bySymbol = new Map<number, number>();
  for (const { index, name, weak } of source.symbols.undefined) {
    const declaration = declared.get(name);
    bySymbol.set(index, specs.length);
    specs.push({
      name,
      section: declaration?.section,
      weak,
      function: declaration?.function ?? called.has(index),
      typeId: declaration?.typeId ?? 0,
      offset: declaration?.section === '.kconfig' ? (kconfig.offsets.get(name) ?? 0) : 0,
    });
  }
  return { specs, bySymbol };
}

interface Declaration {
  readonly section: '.kconfig' | '.ksyms' | undefined;
  readonly function: boolean;
  readonly typeId: number;
}

function declarations(btf: Btf | undefined): Map<string, Declaration> {
  const declared = new Map<string, Declaration>();
  if (btf === undefined) return declared;
  for (const section of ['.ksyms', '.kconfig'] as const) {
    for (const id of variablesIn(btf, section)) {
      const isFunction = btf.kind(id) === BtfKind.FUNC;
      const type = btf.type(id);
      // `extern const void name __ksym` has no type to speak of: only its address is asked for.
      const typeId = btf.resolve(type) === 0 ? 0 : type;
      declared.set(btf.name(id), { section, function: isFunction, typeId });
    }
  }
  return declared;
}

/** VAR and FUNC ids of a section's entries. */
function variablesIn(btf: Btf, section: string): number[] {
  const id = btf.find(section, BtfKind.DATASEC);
  return id === 0 ? [] : Array.from({ length: btf.vlen(id) }, (_, i) => btf.secVarType(id, i));
}

/** Symbols that an instruction calls: without types, only that tells a function from a variable. */
function calledSymbols(source: ObjectSource): Set<number> {
  const called = new Set<number>();
  for (const section of sectionsOf(source, 'program')) {
    const relocations = source.elf.relocations(section);
    for (let i = 0; i < relocations.count; i++) {
      if (section.data[relocations.offset(i)] === CALL) called.add(relocations.symbol(i));
    }
  }
  return called;
}
