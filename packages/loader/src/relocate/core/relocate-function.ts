import { slotCount } from '../../asm';
import { type Btf } from '../../btf';
import { BpfError } from '../../errors';
import { type FunctionSpec } from '../../object';
import { type PoisonedRelocation } from '../relocated';
import { sourceLine } from '../source-line';
import { patch } from './patch';
import { type CoreResolver } from './resolve';

/** Words of a record: instruction, type id, access string, kind. */
const RECORD = 4;

/** A function with its CO-RE relocations done. Instructions are counted from the function's start. */
export interface RelocatedFunction {
  readonly instructions: Uint8Array;
  readonly poisoned: readonly PoisonedRelocation[];
}

/**
 * Applies a function's CO-RE relocations to a copy of its instructions.
 *
 * @throws BpfError CORE_INVALID, CORE_AMBIGUOUS or KERNEL_BTF_MISSING, with function, instruction and C line
 */
export function relocateFunction(
  object: string,
  btf: Btf,
  fn: FunctionSpec,
  resolver: CoreResolver,
): RelocatedFunction {
  const instructions = fn.instructions.slice();
  const poisoned: PoisonedRelocation[] = [];
  const records = fn.coreRelocations;
  for (let at = 0; at + RECORD <= records.length; at += RECORD) {
    const insn = records[at]!;
    const where = sourceLine(btf, fn, insn);
    try {
      if (insn >= slotCount(instructions)) {
        throw new BpfError('CORE_INVALID', 'the relocation is about an instruction behind the function', {
          expected: `less than ${slotCount(instructions)}`,
        });
      }
      const question = { typeId: records[at + 1]!, access: records[at + 2]!, kind: records[at + 3]! };
      const resolution = resolver.resolve(question);
      const reason = patch(instructions, insn, resolution);
      if (reason !== undefined) {
        const { kind, access } = resolution;
        const { file, line } = where ?? { file: undefined, line: undefined };
        poisoned.push({ insn, kind, target: resolution.describe(), access, reason, file, line });
      }
    } catch (error) {
      throw error instanceof BpfError ? located(error, object, fn, insn, where) : error;
    }
  }
  return { instructions, poisoned };
}

function located(
  error: BpfError,
  object: string,
  fn: FunctionSpec,
  insn: number,
  where: ReturnType<typeof sourceLine>,
): BpfError {
  const line = where === undefined ? '' : ` (${where.file}:${where.line})`;
  return new BpfError(
    error.code,
    `${object}: function '${fn.name}', instruction ${insn}${line}: ${error.message}`,
    {
      ...error.fields,
      ...inMessage,
      object,
      section: fn.section,
      insn,
      file: where?.file,
      line: where?.line,
    },
    error,
  );
}

/** The inner message has these already. */
const inMessage = { found: undefined, expected: undefined, hint: undefined };
