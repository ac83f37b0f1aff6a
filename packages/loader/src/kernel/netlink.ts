import { BpfError } from '../errors';
import { errnoName, errnoText } from './errno';
import { lastErrno, native } from './native';
import { setSocketOption } from './socket-options';
import { uninterrupted } from './uninterrupted';
import { Netlink, netlinkError, netlinkMessages, type NetlinkMessage } from './netlink-format';
import { linkDumpRequest, readInterface, type NetworkInterface } from './netlink-messages';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_ROUTE = 0;

/** Message too long. */
const EMSGSIZE = 90;

/** recv(2) tells the length of a datagram that did not fit. */
const MSG_TRUNC = 0x20;

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
  const messages = routeDump(linkDumpRequest(), 'list the interfaces');
  return messages.flatMap(readInterface).sort((a, b) => a.index - b.index);
}

/**
 * The whole answer to a request for a list: one that broke off must not be taken for all there is.
 *
 * @param message with NLM_F_DUMP among the flags
 * @param what is done, for the error: `list the interfaces`
 * @throws BpfError SYSCALL_FAILED
 */
export function routeDump(message: Uint8Array, what: string): readonly NetlinkMessage[] {
  const { error, messages } = routeRequest(message);
  if (error < 0) throw failed(what, -error);
  return messages;
}

/** What the kernel answers to a request. */
export interface RouteAnswer {
  /** 0, or a negative error number. */
  readonly error: number;
  /** The kernel's own words for the error, where it has some. */
  readonly text: string;
  /** What it sent before: of a dump the entries, with NLM_F_ECHO what was made. */
  readonly messages: readonly NetlinkMessage[];
}

/**
 * Send a request to rtnetlink(7), in the calling thread's network namespace, and read its answer.
 *
 * @param message with NLM_F_ACK or NLM_F_DUMP among the flags
 * @throws BpfError SYSCALL_FAILED when nothing can be sent or read
 *
 * @example
 * ```ts
 * routeRequest(newNetkitPair('pair')).error === -Errno.EOPNOTSUPP; // a kernel without netkit
 * ```
 */
export function routeRequest(message: Uint8Array): RouteAnswer {
  const fd = routeSocket();
  try {
    // Without the option, which Linux 4.12 brought, there are no words.
    setSocketOption(fd, extendedAcknowledgements, 1);
    return untilWhole(() => ask(fd, message));
  } finally {
    native().close(fd);
  }
}

/**
 * Asks until an answer is whole: what changed while it was listed may be missing from a list.
 *
 * @throws BpfError SYSCALL_FAILED when each of 10 answers was interrupted
 */
export function untilWhole<T extends { readonly interrupted: boolean }>(
  ask: () => T,
): Omit<T, 'interrupted'> {
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const { interrupted, ...answer } = ask();
    if (!interrupted) return answer;
  }
  throw new BpfError('SYSCALL_FAILED', 'cannot read a whole answer to a netlink request', {
    errno: 'EINTR',
    found: `${attempts} answers that changes interrupted`,
    hint: 'interfaces, filters or routes keep changing while they are listed: try again once they rest',
  });
}

/** SOL_NETLINK and NETLINK_EXT_ACK. */
const extendedAcknowledgements = [270, 11] as const;

function ask(fd: number, message: Uint8Array): RouteAnswer & { readonly interrupted: boolean } {
  const { send, recv } = calls();
  if (uninterrupted(() => send(fd, message, message.length, 0)) < 0)
    throw failed('send a netlink request', lastErrno());
  const messages: NetlinkMessage[] = [];
  let interrupted = false;
  for (;;) {
    const buffer = new Uint8Array(bufferSize);
    const length = uninterrupted(() => recv(fd, buffer, buffer.length, MSG_TRUNC));
    if (length < 0) throw failed('read the answer to a netlink request', lastErrno());
    if (length > buffer.length) throw failed('read the answer to a netlink request whole', EMSGSIZE);
    for (const part of netlinkMessages(buffer.subarray(0, length))) {
      if ((part.flags & Netlink.F_DUMP_INTR) !== 0) interrupted = true;
      if (part.type === Netlink.ERROR) return { ...netlinkError(part), messages, interrupted };
      // The end of a dump carries its error number, too.
      if (part.type === Netlink.DONE) return { ...netlinkError(part), messages, interrupted };
      messages.push(part);
    }
  }
}

/**
 * A socket of rtnetlink(7), close-on-exec, which the caller closes.
 *
 * @throws BpfError SYSCALL_FAILED
 */
export function routeSocket(): number {
  const fd = calls().socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) throw failed('open a netlink socket', lastErrno());
  return fd;
}

function failed(what: string, errno: number): BpfError {
  return new BpfError('SYSCALL_FAILED', `cannot ${what}: ${errnoText(errno)} (${errnoName(errno)})`, {
    errno: errnoName(errno),
  });
}
