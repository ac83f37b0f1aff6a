import { BpfError } from '../errors';
import { type AttachableProgram } from './program';
import { sectionOf } from './section-hooks';

/** The target of a tracing program: as given, else what its section name says. */
export function targetOf(program: AttachableProgram, hook: string, given: string | undefined): string {
  const target = given ?? program.target;
  if (target !== undefined) return target;
  throw new BpfError('ATTACH_FAILED', `program '${program.name}': attach to ${hook}: no target is given`, {
    program: program.name,
    hint: `give one, or name it in the program's section: ${sectionOf(hook)}/NAME`,
  });
}

/**
 * The target of a program that it was loaded for, as part of it: what is asked for must be that. undefined when neither
 * the program nor the caller says one, which is so for programs that come from a pin or an id.
 *
 * @throws BpfError ATTACH_FAILED when another one is asked for
 */
export function requireTarget(
  program: AttachableProgram,
  hook: string,
  asked: string | undefined,
): string | undefined {
  const loadedFor = program.target ?? asked;
  if (asked === undefined || asked === loadedFor) return loadedFor;
  throw new BpfError('ATTACH_FAILED', `program '${program.name}' cannot be attached to ${hook} ${asked}`, {
    program: program.name,
    found: `a program that was loaded for ${loadedFor}`,
    hint: `change its section name to ${hook}/${asked}`,
  });
}
