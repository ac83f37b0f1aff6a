import {
  imm,
  isCall,
  isLdImm64,
  isPseudoCall,
  PSEUDO_FUNC,
  PSEUDO_MAP_FD,
  PSEUDO_MAP_VALUE,
  setImm64,
  setSrc,
  SLOT,
  slotCount,
} from '../asm';
import { type ElfSection, SHN_LORESERVE, STT_SECTION } from '../elf';
import { type BpfError } from '../errors';
import { type FunctionPlace, type FunctionTable } from './function-table';
import { jumpTable } from './jump-tables';
import { objectError, type ObjectSource } from './source';
import { type Reference } from './spec';
import { symbolsAt } from './symbols';

/** What references are resolved against. */
export interface ReferenceTargets {
  readonly source: ObjectSource;
  readonly functions: FunctionTable;
  /** Names of the maps. */
  readonly maps: ReadonlySet<string>;
  /** Index of an extern by that of its ELF symbol. */
  readonly externs: ReadonlyMap<number, number>;
  /** Name of the map that holds the variables of an arena. */
  readonly arena: string | undefined;
}

/** An instruction of a function that is relocated, and what against. */
interface Site {
  readonly place: FunctionPlace;
  readonly insns: Uint8Array;
  readonly insn: number;
  /** Index in the symbol table. */
  readonly symbol: number;
  readonly addend: number;
}

/** By function: the relocations inside it, as indices into its section's relocations. */
export type SectionRelocations = ReadonlyMap<number, readonly number[]>;

/**
 * Deals out the relocations of a section to its functions. What lies in no function (the body of a weak one that a
 * linker dropped) is left out.
 *
 * @throws BpfError RELOCATION_INVALID for a relocation inside an instruction
 */
export function relocationsByFunction(
  { source, functions }: ReferenceTargets,
  section: ElfSection,
  indices: readonly number[],
): SectionRelocations {
  const relocations = source.elf.relocations(section);
  const order = Array.from({ length: relocations.count }, (_, i) => i);
  order.sort((a, b) => relocations.offset(a) - relocations.offset(b) || a - b);
  const result = new Map<number, number[]>();
  let next = 0;
  for (const i of order) {
    const offset = relocations.offset(i);
    while (next < indices.length && endOf(functions.places[indices[next]!]!) <= offset) next++;
    const index = indices[next];
    const place = index === undefined ? undefined : functions.places[index]!;
    if (index === undefined || place === undefined || offset < place.offset) continue;
    if ((offset - place.offset) % SLOT !== 0)
      throw objectError(
        source,
        'RELOCATION_INVALID',
        `a relocation of '${place.name}' is inside an instruction`,
        {
          section: section.name,
          offset,
          program: place.name,
        },
      );
    const list = result.get(index) ?? [];
    list.push(i);
    result.set(index, list);
  }
  return result;
}

function endOf({ offset, size }: FunctionPlace): number {
  return offset + size;
}

/**
 * What the instructions of a function refer to, by instruction. Those that load an address get the `src_reg` of its
 * kind, and for variables the offset in their upper immediate; the instructions are changed in place.
 *
 * @param insns the function's own canonical instructions
 * @param indices its relocations, from {@link relocationsByFunction}
 * @throws BpfError RELOCATION_INVALID
 */
export function readReferences(
  targets: ReferenceTargets,
  place: FunctionPlace,
  insns: Uint8Array,
  indices: readonly number[],
): Reference[] {
  const relocations = targets.source.elf.relocations(place.section);
  const references = new Map<number, Reference>();
  for (const i of indices) {
    const insn = (relocations.offset(i) - place.offset) / SLOT;
    const addend = Number(relocations.addend(i));
    const site: Site = { place, insns, insn, symbol: relocations.symbol(i), addend };
    if (references.has(insn)) throw invalid(targets, site, 'two relocations', 'one');
    references.set(insn, resolve(targets, site));
  }
  addLocalCalls(targets, place, insns, references);
  return [...references.values()].sort((a, b) => a.insn - b.insn);
}

/** Calls inside one section need no relocation: the assembler knows the distance. */
function addLocalCalls(
  targets: ReferenceTargets,
  place: FunctionPlace,
  insns: Uint8Array,
  references: Map<number, Reference>,
): void {
  for (let insn = 0; insn < slotCount(insns); insn++) {
    if (isLdImm64(insns, insn)) {
      insn++;
    } else if (isPseudoCall(insns, insn) && !references.has(insn)) {
      const offset = place.offset + (insn + imm(insns, insn) + 1) * SLOT;
      const callee = targets.functions.startingAt(place.section.index, offset);
      if (callee === undefined)
        throw objectError(
          targets.source,
          'RELOCATION_INVALID',
          `function '${place.name}', instruction ${insn}`,
          {
            section: place.section.name,
            program: place.name,
            insn,
            found: `a call of byte ${offset} of section '${place.section.name}'`,
            expected: 'the start of a function',
          },
        );
      references.set(insn, { kind: 'call', insn, function: callee });
    }
  }
}

function resolve(targets: ReferenceTargets, site: Site): Reference {
  const { source, externs } = targets;
  const { insns, insn, symbol } = site;
  const call = isCall(insns, insn);
  const load = isLdImm64(insns, insn) && insn + 1 < slotCount(insns);
  if (!call && !load)
    throw invalid(targets, site, 'an instruction that takes no address', 'a call or ld_imm64');
  const extern = externs.get(symbol);
  if (extern !== undefined) return { kind: 'extern', insn, extern };
  const index = source.elf.symbols.section(symbol);
  if (index === 0 || index >= SHN_LORESERVE)
    throw invalid(targets, site, 'a symbol in no section', 'one that the object defines or declares extern');
  return call ? resolveCall(targets, site) : resolveLoad(targets, site);
}

/** Against a function's symbol the immediate is -1; against a section's it leads to the function from its start. */
function resolveCall(targets: ReferenceTargets, site: Site): Reference {
  const { insns, insn, symbol, addend } = site;
  const { symbols } = targets.source.elf;
  if (!isPseudoCall(insns, insn))
    throw invalid(targets, site, 'a call of a helper', 'a call of a BPF function');
  const offset = symbols.value(symbol) + addend + (imm(insns, insn) + 1) * SLOT;
  const callee = targets.functions.startingAt(symbols.section(symbol), offset);
  if (callee === undefined)
    throw invalid(targets, site, `a call of byte ${offset} there`, 'the start of a function');
  return { kind: 'call', insn, function: callee };
}

/** The address is that of the symbol (0 for a section) plus what the instruction already holds. */
function resolveLoad(targets: ReferenceTargets, site: Site): Reference {
  const { source, functions } = targets;
  const { insns, insn, symbol, addend } = site;
  const { symbols, sections } = source.elf;
  const section = sections[symbols.section(symbol)]!;
  const offset = symbols.value(symbol) + addend + imm(insns, insn);
  switch (source.roles[section.index]) {
    case 'program': {
      const index = functions.startingAt(section.index, offset);
      if (index === undefined)
        throw invalid(targets, site, `byte ${offset} there`, 'the start of a function');
      point(insns, insn, PSEUDO_FUNC, 0);
      return { kind: 'function', insn, function: index };
    }
    case 'maps':
    case 'legacy-maps': {
      const map = mapAt(targets, site, section);
      point(insns, insn, PSEUDO_MAP_FD, 0);
      return { kind: 'map', insn, map };
    }
    case 'data':
    case 'rodata':
    case 'bss':
      // Whether it is inside counts for the programs that are wanted: see the room relocate. GCC 12 with the assembler
      // of binutils 2.40 has the symbol's value in the instruction, too, so many of its addresses are twice too far.
      if ((offset | 0) !== offset) throw invalid(targets, site, `byte ${offset}`, 'a distance of 32 bits');
      point(insns, insn, PSEUDO_MAP_VALUE, offset);
      return { kind: 'data', insn, map: section.name };
    case 'arena':
      if (offset < 0 || offset >= section.size)
        throw invalid(targets, site, `byte ${offset} of its ${section.size}`, 'an address inside');
      point(insns, insn, PSEUDO_MAP_VALUE, offset);
      return { kind: 'data', insn, map: targets.arena! };
    case 'jumptables':
      return { kind: 'jump-table', insn, targets: tableAt(targets, site, section) };
    default:
      throw invalid(
        targets,
        site,
        `section '${section.name}'`,
        'a function, a map, or data of .data, .rodata or .bss',
      );
  }
}

function point(insns: Uint8Array, insn: number, source: number, offset: number): void {
  setSrc(insns, insn, source);
  setImm64(insns, insn, BigInt(offset) << 32n);
}

/** Only against a section does the instruction say which map; against a symbol, GCC 12 writes something there, too. */
function mapAt(targets: ReferenceTargets, site: Site, section: ElfSection): string {
  const { symbols } = targets.source.elf;
  const { insns, insn, symbol, addend } = site;
  const inside = symbols.type(symbol) === STT_SECTION ? addend + imm(insns, insn) : 0;
  const offset = symbols.value(symbol) + inside;
  const names = symbolsAt(targets.source.symbols, section.index, offset).map((symbol) => symbol.name);
  const map = names.find((name) => targets.maps.has(name));
  if (map === undefined) throw invalid(targets, site, `byte ${offset} of section '${section.name}'`, 'a map');
  return map;
}

function invalid(targets: ReferenceTargets, site: Site, found: string, expected: string): BpfError {
  const { place, insn, symbol } = site;
  const { symbols } = targets.source.elf;
  const name = symbols.name(symbol);
  return objectError(
    targets.source,
    'RELOCATION_INVALID',
    `function '${place.name}', instruction ${insn}: relocation against '${name}'`,
    {
      section: place.section.name,
      offset: place.offset + insn * SLOT,
      program: place.name,
      insn,
      symbol: name,
      found,
      expected,
    },
  );
}

/** The table that an instruction loads the address of: each entry leads into the function itself. */
function tableAt(targets: ReferenceTargets, site: Site, section: ElfSection): number[] {
  const { place, insns, insn, symbol } = site;
  const { elf } = targets.source;
  const size = elf.symbols.size(symbol);
  const table = jumpTable(section, elf.littleEndian, elf.symbols.value(symbol), size);
  if (table === undefined || imm(insns, insn) !== 0)
    throw invalid(targets, site, `${size} bytes of section '${section.name}'`, 'a whole table of entries');
  for (const entry of table) {
    const inside = entry >= place.offset && entry < endOf(place) && entry % SLOT === 0;
    if (!inside)
      throw invalid(targets, site, `a jump to byte ${entry}`, 'an instruction of the same function');
  }
  point(insns, insn, PSEUDO_MAP_VALUE, 0);
  return table.map((entry) => entry - place.offset);
}
