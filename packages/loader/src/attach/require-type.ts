import { BpfError } from '../errors';
import { programTypeName } from '../object';
import { type AttachableProgram } from './program';

/** A program of another type is refused before the kernel answers EINVAL to it. */
export function requireType(program: AttachableProgram, hook: string, types: readonly number[]): void {
  if (types.includes(program.type)) return;
  throw new BpfError('ATTACH_FAILED', `program '${program.name}' cannot be attached to ${hook}`, {
    program: program.name,
    found: `a program of type ${programTypeName(program.type)}`,
    expected: types.map(programTypeName).join(' or '),
    hint: 'correct its section name, or attach it to the hook it was written for',
  });
}
