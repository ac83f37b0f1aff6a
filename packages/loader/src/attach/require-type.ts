import { BpfError } from '../errors';
import { attachTypeName, programTypeName } from '../object';
import { type AttachableProgram } from './program';

const hint = 'correct its section name, or attach it to the hook it was written for';

/** A program of another type is refused before the kernel answers EINVAL to it. */
export function requireType(program: AttachableProgram, hook: string, types: readonly number[]): void {
  if (types.includes(program.type)) return;
  throw new BpfError('ATTACH_FAILED', `program '${program.name}' cannot be attached to ${hook}`, {
    program: program.name,
    found: `a program of type ${programTypeName(program.type)}`,
    expected: types.map(programTypeName).join(' or '),
    hint,
  });
}

/**
 * A program that was loaded for another attach type is refused: the kernel would answer EINVAL, or attach it to what it
 * was loaded for. One whose attach type is not known is let through.
 */
export function requireAttachType(program: AttachableProgram, hook: string, attachType: number): void {
  if (program.attachType === undefined || program.attachType === attachType) return;
  throw new BpfError('ATTACH_FAILED', `program '${program.name}' cannot be attached to ${hook}`, {
    program: program.name,
    found: `a program that was loaded for attach type ${attachTypeName(program.attachType)}`,
    expected: attachTypeName(attachType),
    hint,
  });
}
