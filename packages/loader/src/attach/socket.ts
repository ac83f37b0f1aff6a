import { readlinkSync } from 'node:fs';
import { type Socket as DatagramSocket } from 'node:dgram';
import { type Server, type Socket } from 'node:net';
import { BpfError } from '../errors';

/** A socket of this process: its descriptor, or one of Node's, which must be bound, listening or connected. */
export type SocketTarget = number | Socket | Server | DatagramSocket;

/**
 * The descriptor of a socket. It stays the socket's.
 *
 * @throws BpfError ATTACH_FAILED when it has none (yet)
 *
 * @example
 * ```ts
 * const filter = attachSocketFilter(program, { socket: socketFd(socket) });
 * socketFd(socket) > 2; // true
 * ```
 */
export function socketFd(socket: SocketTarget): number {
  const fd = typeof socket === 'number' ? socket : handleOf(socket)?.fd;
  if (typeof fd === 'number' && fd >= 0) return fd;
  throw new BpfError('ATTACH_FAILED', 'the socket has no descriptor', {
    hint: 'bind, listen or connect first: Node opens sockets no sooner',
  });
}

/**
 * libuv's handle of a socket, which knows its descriptor. Node has no public way to it: streams and servers keep it in
 * `_handle`, datagram sockets behind a symbol (lib/internal/dgram.js; their `_handle` is a deprecated name for it).
 */
function handleOf(socket: object): { readonly fd?: unknown } | undefined {
  const symbol = Object.getOwnPropertySymbols(socket).find(
    ({ description }) => description === 'state symbol',
  );
  const holder: unknown = symbol === undefined ? socket : Reflect.get(socket, symbol);
  const handle: unknown = Reflect.get(holder as object, symbol === undefined ? '_handle' : 'handle');
  return typeof handle === 'object' && handle !== null ? handle : undefined;
}

/** What tells a socket from others that get its number later: `socket:[12345]`. undefined when nothing is open there. */
export function socketIdentity(fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}
