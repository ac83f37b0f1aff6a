import { lastErrno, native } from './native';

/**
 * Level and number of the options of setsockopt(2) that concern BPF, for x86-64 and arm64: SOL_SOCKET of
 * include/uapi/asm-generic/socket.h.
 */
export const SocketOption = {
  SO_ATTACH_BPF: [1, 50],
  /** Of classic filters and BPF alike: the same as SO_DETACH_FILTER. */
  SO_DETACH_BPF: [1, 27],
  SO_ATTACH_REUSEPORT_EBPF: [1, 52],
  /** Since Linux 5.3. */
  SO_DETACH_REUSEPORT_BPF: [1, 68],
} as const satisfies Readonly<Record<string, readonly [level: number, name: number]>>;

/**
 * setsockopt(2).
 *
 * @param option level and number
 * @param value a number, as an int; or bytes
 * @returns 0, or the negative error number
 *
 * @example
 * ```ts
 * setSocketOption(0, SocketOption.SO_DETACH_BPF, 0); // standard input is no socket: -88, ENOTSOCK
 * ```
 */
export function setSocketOption(
  fd: number,
  [level, name]: readonly [level: number, name: number],
  value: number | Uint8Array,
): number {
  const bytes = typeof value === 'number' ? new Uint8Array(Int32Array.of(value).buffer) : value;
  return native().setsockopt(fd, level, name, bytes, bytes.length) < 0 ? -lastErrno() : 0;
}
