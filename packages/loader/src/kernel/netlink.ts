import { BpfError } from '../errors';
import { errnoName, errnoText } from './errno';
import { lastErrno, native } from './native';
import { linkDumpRequest, parseLinkDump, type LinkDump, type NetworkInterface } from './netlink-messages';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_ROUTE = 0;

/** The kernel fills a dump's datagrams up to 32 KiB when the reader's buffer has room for it (netlink_dump()). */
const bufferSize = 32 * 1024;

/** A dump that interfaces keep changing under is asked for anew, this often at most. */
const attempts = 10;

interface SocketCalls {
  socket(domain: number, type: number, protocol: number): number;
  send(fd: number, bytes: Uint8Array, length: number, flags: number): number;
  recv(fd: number, bytes: Uint8Array, length: number, flags: number): number;
}

let declared: SocketCalls | undefined;

function calls(): SocketCalls {
  if (declared === undefined) {
    const libc = native().koffi.load(null);
    declared = {
      socket: libc.func('socket', 'int', ['int', 'int', 'int']),
      send: libc.func('send', 'long', ['int', 'void *', 'size_t', 'int']),
      recv: libc.func('recv', 'long', ['int', 'void *', 'size_t', 'int']),
    };
  }
  return declared;
}

/**
 * The network interfaces of the calling thread's network namespace, by index, with the XDP programs on them.
 * Unlike /sys/class/net, which shows the namespace it was mounted in, this follows setns(2).
 *
 * @throws BpfError SYSCALL_FAILED
 *
 * @example
 * ```ts
 * networkInterfaces()[0]?.name; // 'lo'
 * ```
 */
export function networkInterfaces(): NetworkInterface[] {
  const fd = routeSocket();
  try {
    for (let attempt = 1; ; attempt++) {
      const parts = dump(fd);
      if (attempt < attempts && parts.some((part) => part.interrupted)) continue;
      return parts.flatMap((part) => part.interfaces).sort((a, b) => a.index - b.index);
    }
  } finally {
    native().close(fd);
  }
}

/**
 * Send a request to rtnetlink(7), in the calling thread's network namespace, and wait for its acknowledgement.
 *
 * @param message with its header, and NLM_F_ACK among the flags
 * @returns 0, or the negative error number that the kernel answers
 * @throws BpfError SYSCALL_FAILED when nothing can be sent or read
 *
 * @example
 * ```ts
 * routeRequest(newNetkitPair('pair')) === -Errno.EOPNOTSUPP; // a kernel without netkit
 * ```
 */
export function routeRequest(message: Uint8Array): number {
  const fd = routeSocket();
  try {
    if (calls().send(fd, message, message.length, 0) < 0) throw failed('send a netlink request', lastErrno());
    const answer = new Uint8Array(bufferSize);
    const length = calls().recv(fd, answer, answer.length, 0);
    if (length < 0) throw failed('read the answer to a netlink request', lastErrno());
    return parseLinkDump(answer.subarray(0, length)).error;
  } finally {
    native().close(fd);
  }
}

function routeSocket(): number {
  const fd = calls().socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) throw failed('open a netlink socket', lastErrno());
  return fd;
}

function dump(fd: number): LinkDump[] {
  const request = linkDumpRequest();
  if (calls().send(fd, request, request.length, 0) < 0) throw failed('ask for the interfaces', lastErrno());
  const buffer = new Uint8Array(bufferSize);
  const parts: LinkDump[] = [];
  for (;;) {
    const length = calls().recv(fd, buffer, buffer.length, 0);
    if (length < 0) throw failed('list the interfaces', lastErrno());
    const part = parseLinkDump(buffer.subarray(0, length));
    if (part.error < 0) throw failed('list the interfaces', -part.error);
    parts.push(part);
    if (part.done || length === 0) return parts;
  }
}

function failed(what: string, errno: number): BpfError {
  return new BpfError('SYSCALL_FAILED', `cannot ${what}: ${errnoText(errno)} (${errnoName(errno)})`, {
    errno: errnoName(errno),
  });
}
