import {
  type ElfFile,
  SHN_LORESERVE,
  STB_GLOBAL,
  STB_LOCAL,
  STB_WEAK,
  STT_FUNC,
  STT_OBJECT,
  STV_HIDDEN,
  STV_INTERNAL,
} from '../elf';

export type Binding = 'local' | 'global' | 'weak';

/** A function or variable that an object defines. */
export interface DefinedSymbol {
  readonly name: string;
  /** Bytes into its section. */
  readonly offset: number;
  readonly size: number;
  readonly function: boolean;
  readonly binding: Binding;
  /** STV_HIDDEN or STV_INTERNAL. */
  readonly hidden: boolean;
}

/** A symbol that an object refers to and does not define. */
export interface UndefinedSymbol {
  /** In the symbol table. */
  readonly index: number;
  readonly name: string;
  readonly weak: boolean;
}

/** The symbols of an object that mean something to a loader. */
export interface ObjectSymbols {
  /** By index of their section, in the order of offset, then name. */
  readonly defined: ReadonlyMap<number, readonly DefinedSymbol[]>;
  /** In the order of name. */
  readonly undefined: readonly UndefinedSymbol[];
}

/** Sorts a file's functions, variables and undefined symbols; labels, files and sections are left out. */
export function readSymbols({ symbols }: ElfFile): ObjectSymbols {
  const defined = new Map<number, DefinedSymbol[]>();
  const missing: UndefinedSymbol[] = [];
  for (let i = 1; i < symbols.count; i++) {
    const section = symbols.section(i);
    const type = symbols.type(i);
    const binding = bindingOf(symbols.binding(i));
    if (section >= SHN_LORESERVE || binding === undefined) continue;
    if (section === 0) {
      const name = symbols.name(i);
      if (binding !== 'local' && name !== '') missing.push({ index: i, name, weak: binding === 'weak' });
      continue;
    }
    if (type !== STT_FUNC && type !== STT_OBJECT) continue;
    const visibility = symbols.visibility(i);
    const list = defined.get(section) ?? [];
    defined.set(section, list);
    list.push({
      name: symbols.name(i),
      offset: symbols.value(i),
      size: symbols.size(i),
      function: type === STT_FUNC,
      binding,
      hidden: visibility === STV_HIDDEN || visibility === STV_INTERNAL,
    });
  }
  for (const list of defined.values())
    list.sort((a, b) => a.offset - b.offset || compareText(a.name, b.name));
  missing.sort((a, b) => compareText(a.name, b.name) || a.index - b.index);
  return { defined, undefined: missing };
}

/** The variables and functions that begin at an offset of a section. */
export function symbolsAt({ defined }: ObjectSymbols, section: number, offset: number): DefinedSymbol[] {
  const list = defined.get(section) ?? [];
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list[middle]!.offset < offset) low = middle + 1;
    else high = middle;
  }
  const found: DefinedSymbol[] = [];
  for (; list[low]?.offset === offset; low++) found.push(list[low]!);
  return found;
}

/** Order of code units: the same on every machine, whatever its language. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function bindingOf(binding: number): Binding | undefined {
  if (binding === STB_LOCAL) return 'local';
  if (binding === STB_GLOBAL) return 'global';
  return binding === STB_WEAK ? 'weak' : undefined;
}
