import { BpfError, Btf, BtfKind, encodeValue, kernelBtfBytes } from '@nx-bpf/loader';
import { type Runnable } from './runnable';

/** What a program is given to run on beside a packet. */
export type RunContext = Uint8Array | bigint[] | undefined;

/**
 * A context as people write it: fields of the struct that programs of the type get, by the running kernel's types, or a
 * list of the arguments of a raw tracepoint.
 *
 * @param what is written, for errors
 * @throws BpfError USAGE, CONSTANT_INVALID
 */
export function contextOf(
  written: Readonly<Record<string, unknown>> | readonly unknown[] | undefined,
  runnable: Runnable | undefined,
  what: string,
): RunContext {
  if (written === undefined) return undefined;
  if (Array.isArray(written)) return written.map((value: unknown) => integer(value, what));
  const name = runnable?.context;
  const btf = Btf.parse(kernelBtfBytes(), { trusted: true });
  const id = name === undefined ? 0 : btf.find(name, BtfKind.STRUCT);
  if (id === 0) {
    throw new BpfError('USAGE', `${what}: such programs take no struct by fields`, {
      found: `fields ${Object.keys(written).join(', ')}`,
      expected: 'a list of arguments, or bytes',
    });
  }
  const into = new Uint8Array(btf.byteSize(id));
  encodeValue(btf, id, written, into, 0, { name });
  return into;
}

function integer(value: unknown, what: string): bigint {
  try {
    return BigInt(value as string | number);
  } catch {
    throw new BpfError('USAGE', what, { found: JSON.stringify(value), expected: 'integers' });
  }
}
