import { type ElfSection, SHF_EXECINSTR, SHT_NOBITS, SHT_PROGBITS } from '../elf';

/** What a section of an object is to a loader. */
export type SectionRole =
  | 'license'
  | 'version'
  /** `.maps`: maps defined by their BTF. */
  | 'maps'
  /** `maps`: maps defined by a struct of numbers. */
  | 'legacy-maps'
  | 'program'
  | 'data'
  | 'rodata'
  | 'bss'
  | 'struct_ops'
  /** Variables in an arena. */
  | 'arena'
  /** Targets of indirect jumps. */
  | 'jumptables';

const byName: ReadonlyMap<string, SectionRole> = new Map<string, SectionRole>([
  ['license', 'license'],
  ['version', 'version'],
  ['.maps', 'maps'],
  ['maps', 'legacy-maps'],
  ['.struct_ops', 'struct_ops'],
  ['.struct_ops.link', 'struct_ops'],
  ['?.struct_ops', 'struct_ops'],
  ['?.struct_ops.link', 'struct_ops'],
  ['.addr_space.1', 'arena'],
  ['.jumptables', 'jumptables'],
]);

/**
 * The role of a section by name, type and flags; undefined for what a loader has no use for (debug info, symbols,
 * relocations, empty sections). Names are libbpf's conventions.
 */
export function sectionRole(section: ElfSection): SectionRole | undefined {
  const { name, type, flags, size } = section;
  if (size === 0) return undefined;
  if (type === SHT_NOBITS) return isOrBelow(name, '.bss') ? 'bss' : undefined;
  if (type !== SHT_PROGBITS) return undefined;
  const known = byName.get(name);
  if (known !== undefined) return known;
  if (name.startsWith('maps/')) return 'legacy-maps';
  if ((flags & SHF_EXECINSTR) !== 0) return 'program';
  if (isOrBelow(name, '.data')) return 'data';
  if (isOrBelow(name, '.rodata')) return 'rodata';
  return undefined;
}

function isOrBelow(name: string, stem: string): boolean {
  return name === stem || name.startsWith(`${stem}.`);
}
