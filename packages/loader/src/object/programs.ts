import { type FunctionTable } from './function-table';
import { sectionMeaning, unknownSection, withoutMark } from './section-name';
import { type ProgramSpec } from './spec';

/** The entry points of an object: every function that has a SEC() name, with what that name says. */
export function readPrograms(functions: FunctionTable): ProgramSpec[] {
  return functions.places.flatMap(({ name, section, entry }, index) => {
    if (!entry) return [];
    const written = withoutMark(section.name);
    const autoload = written === section.name;
    return [{ name, function: index, section: written, autoload, ...sectionMeaning(written) }];
  });
}

/**
 * The type that a program is to be loaded as. An object may hold programs that nobody can load: that is an error
 * only for those that are wanted.
 *
 * @throws BpfError SECTION_UNKNOWN when neither the section name nor the caller gave it a type
 *
 * @example
 * ```ts
 * loadableType({ name: 'drop', section: 'xdp', type: 6 }); // 6
 * loadableType({ name: 'drop', section: 'xpd', type: undefined }); // throws: did you mean SEC("xdp")?
 * ```
 */
export function loadableType(program: Pick<ProgramSpec, 'name' | 'section' | 'type'>): number {
  const { name, section, type } = program;
  if (type === undefined) throw unknownSection(name, section);
  return type;
}
