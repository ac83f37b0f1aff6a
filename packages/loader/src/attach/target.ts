import { BpfError } from '../errors';
import { type AttachableProgram } from './program';

/** The target of a tracing program: as given, else what its section name says. */
export function targetOf(program: AttachableProgram, hook: string, given: string | undefined): string {
  const target = given ?? program.target;
  if (target !== undefined) return target;
  throw new BpfError('ATTACH_FAILED', `program '${program.name}': attach to ${hook}: no target is given`, {
    program: program.name,
    hint: `give one, or name it in the program's section: ${hook}/NAME`,
  });
}
