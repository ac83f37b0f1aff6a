import { Btf } from '../../packages/loader/src/btf';
import {
  ElfFile,
  type ElfSection,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHN_UNDEF,
  SHT_REL,
  STB_LOCAL,
  STB_WEAK,
} from '../../packages/loader/src/elf';
import { type FunctionSpec, type ObjectSpec } from '../../packages/loader/src/object';
import { btfWithoutExterns } from './btf-without-externs';
import { ElfEditor } from './elf-editor';

/**
 * A copy of an object without what only programs other than one need: the relocations of functions that the program
 * does not reach, the sections of code in which nothing else is, and the externs that are left without use, with
 * their declarations in BTF. The program, the functions that it reaches, all maps and all data stay as they are.
 *
 * libbpf looks for the externs of all programs of an object, we for those of the wanted: what libbpf says of the copy
 * is what it says of that program.
 *
 * @param object a little-endian object whose relocations are of type SHT_REL, as clang and GCC write them
 * @param spec the same, as our loader reads it
 */
export function withoutOthers(object: Buffer, spec: ObjectSpec, program: string): Buffer {
  const elf = ElfFile.parse(object, { object: spec.name });
  const copy = new ElfEditor(object, elf);
  const reached = reachedFunctions(spec, program);
  const used = new Set<number>();
  for (const table of elf.sections) {
    const target = elf.sections[table.info]!;
    // BTF and debug info refer to everything; that is no use.
    if (table.type !== SHT_REL || (target.flags & SHF_ALLOC) === 0) continue;
    const relocations = elf.relocations(target);
    const kept = Array.from({ length: relocations.count }, (_, i) => i).filter(
      (i) => !isCode(target) || reached.some((fn) => isInside(fn, target, relocations.offset(i))),
    );
    if (kept.length < relocations.count) copy.keepEntries(table, kept);
    for (const i of kept) used.add(relocations.symbol(i));
  }
  for (const section of elf.sections.filter(isCode)) {
    const isNeeded =
      reached.some((fn) => fn.section === section.name) ||
      [...used].some((symbol) => elf.symbols.section(symbol) === section.index);
    if (!isNeeded) copy.setFlags(section, section.flags & ~SHF_EXECINSTR);
  }
  dropExterns(elf, copy, spec, used);
  return copy.bytes;
}

function isCode({ flags }: ElfSection): boolean {
  return (flags & SHF_EXECINSTR) !== 0;
}

function isInside(fn: FunctionSpec, section: ElfSection, offset: number): boolean {
  return fn.section === section.name && offset >= fn.offset && offset < fn.offset + fn.instructions.length;
}

/** The program's functions, and those of the programs that the slots of maps hold. */
function reachedFunctions(spec: ObjectSpec, program: string): FunctionSpec[] {
  const inSlots = spec.maps.flatMap(({ slots }) =>
    slots.flatMap((slot) => ('function' in slot ? [slot.function] : [])),
  );
  const main = spec.programs.find(({ name }) => name === program)!.function;
  const reached = new Set([main, ...inSlots]);
  // A set that grows is walked to its new end.
  for (const index of reached) {
    for (const reference of spec.functions[index]!.references) {
      if (reference.kind === 'call' || reference.kind === 'function') reached.add(reference.function);
    }
  }
  return [...reached].map((index) => spec.functions[index]!);
}

/** Externs without use become symbols that no loader looks at; those of `.kconfig` stay in their map, but weak. */
function dropExterns(elf: ElfFile, copy: ElfEditor, spec: ObjectSpec, used: ReadonlySet<number>): void {
  const sectionOf = new Map(spec.externs.map(({ name, section }) => [name, section]));
  const gone = new Set<string>();
  for (let i = 1; i < elf.symbols.count; i++) {
    const isExtern = elf.symbols.section(i) === SHN_UNDEF && elf.symbols.binding(i) !== STB_LOCAL;
    if (!isExtern || used.has(i)) continue;
    const name = elf.symbols.name(i);
    const isKconfig = sectionOf.get(name) === '.kconfig';
    copy.setBinding(i, isKconfig ? STB_WEAK : STB_LOCAL);
    if (!isKconfig) gone.add(name);
  }
  const section = elf.section('.BTF');
  if (section !== undefined) copy.setContents(section, btfWithoutExterns(Btf.parse(section.data), gone));
}
