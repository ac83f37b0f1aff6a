import { type BpfError } from '../errors';
import { errnoName, errnoNumber, failure, type Capability } from '../kernel';
import { type Causes } from './causes';
import { type AttachableProgram } from './program';

/** An attempt to attach, as its error tells of it. */
export interface Attempt {
  readonly program: AttachableProgram;
  /** The hook and where: `xdp on eth0 (native)`. */
  readonly where: string;
  readonly needs: readonly Capability[];
  readonly causes: Causes;
  /** Error numbers which mean that somebody else holds the place. */
  readonly conflicts?: readonly number[];
  /** The kernel's own words for the error, where it has some. */
  readonly said?: string | undefined;
}

/** Of attach points that keep an order: somebody changed it since it had the expected revision. */
export const mprogConflicts: readonly number[] = [errnoNumber('ESTALE')];

/**
 * The error of a refused attach: PRIVILEGE_MISSING where a capability is missing, ATTACH_CONFLICT where the attempt's
 * list of such errors has it, else ATTACH_FAILED; with errno, likely cause and remedy.
 *
 * @param errno error number of either sign
 */
export function attachFailed(attempt: Attempt, errno: number): BpfError {
  const { program, where, needs, causes, conflicts = [], said } = attempt;
  return failure(`program '${program.name}': attach to ${where}`, errno, {
    code: conflicts.includes(Math.abs(errno)) ? 'ATTACH_CONFLICT' : 'ATTACH_FAILED',
    needs,
    program: program.name,
    hint: withWords(causes[errnoName(Math.abs(errno))], said),
  });
}

/** A likely cause, and what the kernel said of it. */
export function withWords(cause: string | undefined, said = ''): string | undefined {
  const words = said === '' ? [] : [`the kernel says: ${said}`];
  const parts = [...words, ...(cause === undefined ? [] : [cause])];
  return parts.length === 0 ? undefined : parts.join('; ');
}

/** The fd of a new link, or the error that the result means. */
export function attached(result: number, attempt: Attempt): number {
  if (result < 0) throw attachFailed(attempt, result);
  return result;
}
