import { SLOT } from '../asm';
import { type ElfSection } from '../elf';
import { sectionMeaning, withoutMark } from './section-name';
import { objectError, type ObjectSource, sectionsOf } from './source';
import { type Binding, type DefinedSymbol } from './symbols';

/** Where a function lies. Its place in the table is its index in `ObjectSpec.functions`. */
export interface FunctionPlace {
  readonly name: string;
  readonly section: ElfSection;
  readonly offset: number;
  readonly size: number;
  readonly binding: Binding;
  readonly hidden: boolean;
  /** A program. Functions of `.text`, and static ones in sections that stand for no program type, are subprograms. */
  readonly entry: boolean;
}

/** Whether a section name asks for a type of program. */
function isProgramSection(name: string): boolean {
  return sectionMeaning(withoutMark(name)).type !== undefined;
}

/** All functions of an object, in the order of section and offset. */
export class FunctionTable {
  readonly places: readonly FunctionPlace[];
  private readonly starts = new Map<number, Map<number, number>>();

  constructor(places: readonly FunctionPlace[]) {
    this.places = places;
    places.forEach(({ section, offset }, index) => {
      const starts = this.starts.get(section.index) ?? new Map<number, number>();
      starts.set(offset, index);
      this.starts.set(section.index, starts);
    });
  }

  /** Index of the function that begins at an offset of a section. */
  startingAt(section: number, offset: number): number | undefined {
    return this.starts.get(section)?.get(offset);
  }
}

/**
 * Finds the functions of an object.
 *
 * @throws BpfError PROGRAM_INVALID for a static function with a SEC() name, two programs of one name, and functions
 *   that overlap or are not whole instructions
 */
export function readFunctionTable(source: ObjectSource): FunctionTable {
  const places = sectionsOf(source, 'program').flatMap((section) => functionsIn(source, section));
  const programs = new Set<string>();
  for (const { name, section, entry } of places) {
    if (!entry) continue;
    if (programs.has(name))
      throw objectError(source, 'PROGRAM_INVALID', `two programs have the name '${name}'`, {
        section: section.name,
        program: name,
      });
    programs.add(name);
  }
  return new FunctionTable(places);
}

function functionsIn(source: ObjectSource, section: ElfSection): FunctionPlace[] {
  const symbols = (source.symbols.defined.get(section.index) ?? []).filter((symbol) => symbol.function);
  let end = 0;
  let before: DefinedSymbol | undefined;
  return symbols.map((symbol) => {
    const { name, offset, size, binding, hidden } = symbol;
    const entry = section.name !== '.text' && (binding !== 'local' || isProgramSection(section.name));
    const where = { section: section.name, offset, program: name };
    if (size === 0 || size % SLOT !== 0 || offset % SLOT !== 0)
      throw objectError(source, 'PROGRAM_INVALID', `function '${name}' is not whole instructions`, {
        ...where,
        found: `${size} bytes at offset ${offset} of section '${section.name}'`,
        expected: `multiples of ${SLOT}`,
      });
    if (before !== undefined && offset < end)
      throw objectError(source, 'PROGRAM_INVALID', `functions '${before.name}' and '${name}' overlap`, where);
    if (entry && binding === 'local')
      throw objectError(
        source,
        'PROGRAM_INVALID',
        `program '${name}' in section '${section.name}' is static`,
        {
          ...where,
          hint: "remove 'static', or the SEC() if it is a function for programs to call",
        },
      );
    end = offset + size;
    before = symbol;
    return { name, section, offset, size, binding, hidden, entry };
  });
}
