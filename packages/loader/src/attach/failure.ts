import { type BpfError } from '../errors';
import { errnoName, failure, type Capability } from '../kernel';
import { type Causes } from './causes';
import { type AttachableProgram } from './program';

/** An attempt to attach, as its error tells of it. */
export interface Attempt {
  readonly program: AttachableProgram;
  /** The hook and where: `xdp on eth0 (native)`. */
  readonly where: string;
  readonly needs: readonly Capability[];
  readonly causes: Causes;
}

/**
 * The error of a refused attach: PRIVILEGE_MISSING where a capability is missing, else ATTACH_FAILED with errno,
 * likely cause and remedy.
 *
 * @param errno error number of either sign
 */
export function attachFailed(attempt: Attempt, errno: number): BpfError {
  const { program, where, needs, causes } = attempt;
  return failure(`program '${program.name}': attach to ${where}`, errno, {
    code: 'ATTACH_FAILED',
    needs,
    program: program.name,
    hint: causes[errnoName(Math.abs(errno))],
  });
}

/** The fd of a new link, or the error that the result means. */
export function attached(result: number, attempt: Attempt): number {
  if (result < 0) throw attachFailed(attempt, result);
  return result;
}
