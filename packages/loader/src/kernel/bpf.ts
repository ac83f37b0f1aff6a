import { Command, type CommandName } from './commands';
import { encode, type Encoded, type Layout, type LayoutInput } from './layout';
import { lastErrno, native } from './native';

/**
 * bpf(2), raw.
 *
 * @param attributes an encoded layout of `attributes.ts`; the kernel writes its answers into its bytes. The caller
 *   keeps it until the call is over: the bytes it points to are referenced by nothing else
 * @returns what the command returns, 0 or an fd; on failure the negative error number, as inside the kernel
 */
export function bpf(command: CommandName, attributes: Encoded): number {
  const { numbers, bpf: call } = native();
  const { bytes } = attributes;
  const result = call(numbers.bpf, Command[command], bytes, bytes.byteLength);
  return result < 0 ? -lastErrno() : result;
}

/** The answer of a command: its result (see {@link bpf}) and the attributes as the kernel left them. */
export interface Answer {
  readonly result: number;
  readonly attributes: Encoded;
}

/**
 * Encode the attributes of a command and call bpf(2) with them.
 *
 * @example
 * ```ts
 * bpfCall('BPF_MAP_FREEZE', MAP_ELEMENT, { map_fd: 99 }).result; // -9, EBADF
 * ```
 */
export function bpfCall<L extends Layout>(command: CommandName, layout: L, values: LayoutInput<L>): Answer {
  const attributes = encode(layout, values);
  return { result: bpf(command, attributes), attributes };
}
