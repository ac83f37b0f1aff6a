import { type FunctionSpec, type ObjectSpec } from '../object';
import { ExceptionCallbacks } from './exception-callbacks';
import { layoutProgram } from './link';
import { namedPrograms } from './select-programs';

/** A function of a linked program. */
export interface PlacedFunction {
  readonly function: FunctionSpec;
  /** The instruction (in slots) of the linked program that it begins at. */
  readonly start: number;
}

/**
 * The functions that a program consists of once it is linked, and where each begins: instruction numbers of relocation
 * errors, requirements and the verifier's log are those of the linked program.
 *
 * @param name of the program
 * @returns the main function first, then what it reaches, in their order
 * @throws BpfError PROGRAM_NOT_FOUND, PROGRAM_INVALID
 *
 * @example
 * ```ts
 * const [main] = programFunctions(parseObject(bytes, { name: 'edge' }), 'edge_guard');
 * main!.function.name; // 'edge_guard'
 * main!.start; // 0
 * ```
 */
export function programFunctions(spec: ObjectSpec, name: string): PlacedFunction[] {
  const program = namedPrograms(spec, [name])[0]!;
  const { starts } = layoutProgram(spec, program.function, new ExceptionCallbacks(spec).of(program.function));
  return [...starts].map(([index, start]) => ({ function: spec.functions[index]!, start }));
}
