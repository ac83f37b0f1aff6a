import { Btf, encodeValue } from '../btf';
import { BpfError, nearest } from '../errors';
import { type VariableSpec } from '../object';
import { type RelocatedObject } from './relocated';

/**
 * A relocated object with other initial values of global variables: `const volatile` ones of `.rodata`, which the
 * verifier then knows as constants, and those of `.data` and `.bss`.
 *
 * @param values by the variable's name: numbers, bigint, booleans, text for char[], names for enums, objects for
 * structs, lists for arrays
 * @throws BpfError CONSTANT_UNKNOWN with the nearest names, CONSTANT_INVALID with the C type and its range,
 * BTF_MISSING. Several problems are one error, which lists them all
 *
 * @example
 * ```ts
 * const edge = withConstants(relocated, { sample_rate: 100, mode: 'MODE_DROP', prefix: 'edge' });
 * edge.maps.find((map) => map.name === '.rodata')?.data?.[0]; // 100
 * ```
 */
export function withConstants(
  relocated: RelocatedObject,
  values: Readonly<Record<string, unknown>>,
): RelocatedObject {
  const names = Object.keys(values).sort();
  if (names.length === 0) return relocated;
  const object = relocated.name;
  if (relocated.btf === undefined) {
    throw new BpfError('BTF_MISSING', `${object}: constants are set by their C type, and there is no BTF`, {
      object,
      symbol: names[0],
      hint: 'compile with -g',
    });
  }
  const btf = Btf.parse(relocated.btf, { object });
  const contents = new Map<string, Uint8Array>();
  const problems: BpfError[] = [];
  for (const name of names) {
    try {
      setConstant(relocated, btf, contents, name, values[name]);
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      problems.push(error);
    }
  }
  if (problems.length > 0) throw combined(problems);
  const maps = relocated.maps.map((map) => ({ ...map, data: contents.get(map.name) ?? map.data }));
  return { ...relocated, maps };
}

function setConstant(
  relocated: RelocatedObject,
  btf: Btf,
  contents: Map<string, Uint8Array>,
  name: string,
  value: unknown,
): void {
  const variable = findVariable(relocated, name);
  const invalid = (found: string, hint: string): BpfError =>
    new BpfError('CONSTANT_INVALID', `${relocated.name}: constant '${name}'`, {
      object: relocated.name,
      symbol: name,
      found,
      hint,
    });
  if (variable.typeId === 0) throw invalid('no C type of it in the BTF', 'compile with -g');
  const size = btf.byteSize(variable.typeId);
  const bytes = contents.get(variable.map) ?? initialContents(relocated, variable.map);
  if (size > variable.size || variable.offset + size > bytes.length) {
    throw invalid(
      `'${btf.describe(variable.typeId)}' of ${size} bytes in ${variable.size} bytes`,
      'compile the object again',
    );
  }
  try {
    encodeValue(btf, variable.typeId, value, bytes, variable.offset, { name });
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    throw new BpfError(
      error.code,
      `${relocated.name}: constant ${error.message}`,
      { object: relocated.name, symbol: name },
      error,
    );
  }
  contents.set(variable.map, bytes);
}

/** A copy of a data section's contents; sections that start as zeros have none of their own. */
function initialContents(relocated: RelocatedObject, name: string): Uint8Array {
  const map = relocated.maps.find((candidate) => candidate.name === name)!;
  return map.data?.slice() ?? new Uint8Array(map.valueSize);
}

function findVariable(relocated: RelocatedObject, name: string): VariableSpec {
  const [first, second] = relocated.variables.filter((variable) => variable.name === name);
  const object = relocated.name;
  if (first === undefined) {
    const known = relocated.variables.map((variable) => variable.name);
    const near = nearest(name, known);
    throw new BpfError('CONSTANT_UNKNOWN', `${object}: no global variable '${name}'`, {
      object,
      symbol: name,
      hint:
        near.length > 0
          ? `did you mean ${near.join(', ')}?`
          : known.length > 0
            ? `there are ${known.join(', ')}`
            : 'the object has no global variables',
    });
  }
  if (second !== undefined) {
    throw new BpfError('CONSTANT_UNKNOWN', `${object}: '${name}' means several variables`, {
      object,
      symbol: name,
      found: `one in ${first.map} and one in ${second.map}`,
      hint: 'rename one of the static ones',
    });
  }
  return first;
}

function combined(problems: readonly BpfError[]): BpfError {
  const [first] = problems;
  if (problems.length === 1) return first!;
  const messages = problems.map(({ message }) => message);
  return new BpfError(first!.code, messages.join('\n'), {
    ...first!.fields,
    ...inMessage,
    problems: messages,
  });
}

/** The messages have these already. */
const inMessage = { found: undefined, expected: undefined, hint: undefined };
