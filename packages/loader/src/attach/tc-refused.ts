import { type BpfError } from '../errors';
import { Errno } from '../kernel';
import { tcCauses } from './causes';
import { attachFailed } from './failure';
import { type AttachableProgram } from './program';

/** The error of a filter that the kernel refused. @param said the kernel's own words */
export function tcRefused(program: AttachableProgram, where: string, error: number, said: string): BpfError {
  return attachFailed(
    { program, where, needs: ['CAP_NET_ADMIN'], causes: tcCauses, conflicts: [Errno.EEXIST], said },
    error,
  );
}
