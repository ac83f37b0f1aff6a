import { createSocket, type Socket } from 'node:dgram';
import { rmSync } from 'node:fs';
import koffi from 'koffi';
import { closeFd, setSocketOption } from '../../packages/loader/src/kernel';

const AF_UNIX = 1;
const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SO_REUSEPORT = [1, 15] as const;

/**
 * A UDP socket on the loopback interface that shares its port with others; Node sets SO_REUSEPORT since version 23 only.
 *
 * @param port 0 for a free one
 */
export function sharingSocket(port: number): Socket {
  const libc = koffi.load(null);
  const socket = libc.func('int socket(int, int, int)') as (...numbers: number[]) => number;
  const bind = libc.func('int bind(int, void *, uint32_t)') as (...call: unknown[]) => number;
  const fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const address = Buffer.alloc(16);
  address.writeUInt16LE(AF_INET, 0);
  address.writeUInt16BE(port, 2);
  address.set([127, 0, 0, 1], 4);
  if (setSocketOption(fd, SO_REUSEPORT, 1) < 0 || bind(fd, address, 16) < 0) {
    closeFd(fd);
    throw new Error(`port ${port} cannot be shared`);
  }
  const adopted = createSocket('udp4');
  // It listens at once, other than with an address.
  adopted.bind({ fd });
  return adopted;
}

/**
 * Two Unix datagram sockets, which Node lacks: one is bound to a path, the other is connected to it, sends, and is asked
 * for the names of both ends.
 *
 * @returns for each step whether the kernel let it happen, up to the first that it refused
 */
export function unixExchange(path: string): readonly string[] {
  const libc = koffi.load(null);
  const call = (declaration: string) => libc.func(declaration) as (...values: unknown[]) => number;
  const [socket, bind, connect] = [
    call('int socket(int, int, int)'),
    call('int bind(int, void *, uint32_t)'),
    call('int connect(int, void *, uint32_t)'),
  ];
  const sendto = call('long sendto(int, void *, size_t, int, void *, uint32_t)');
  const recvfrom = call('long recvfrom(int, void *, size_t, int, void *, void *)');
  const nameOf = {
    getsockname: call('int getsockname(int, void *, void *)'),
    getpeername: call('int getpeername(int, void *, void *)'),
  };
  const address = Buffer.alloc(110);
  address.writeUInt16LE(AF_UNIX, 0);
  address.write(path, 2);
  const room = (): [Buffer, Uint8Array] => [Buffer.alloc(110), new Uint8Array(Uint32Array.of(110).buffer)];
  const [receiver, sender] = [
    socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0),
    socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0),
  ];
  try {
    const text = Buffer.from('nx-bpf');
    const steps: readonly (readonly [string, () => number])[] = [
      ['bind', () => bind(receiver, address, address.length)],
      ['sendmsg', () => sendto(sender, text, text.length, 0, address, address.length)],
      ['recvmsg', () => recvfrom(receiver, Buffer.alloc(16), 16, 0x40, ...room())],
      ['connect', () => connect(sender, address, address.length)],
      ['getpeername', () => nameOf.getpeername(sender, ...room())],
      ['getsockname', () => nameOf.getsockname(receiver, ...room())],
    ];
    const refused = steps.findIndex(([, step]) => step() < 0);
    return steps.slice(0, refused < 0 ? undefined : refused).map(([name]) => name);
  } finally {
    for (const fd of [receiver, sender]) closeFd(fd);
    rmSync(path, { force: true });
  }
}

/** Counts what a socket gets from now on. */
export function counting(socket: Socket): { readonly count: number } {
  const seen = { count: 0 };
  socket.on('message', () => seen.count++);
  return seen;
}

/** Sends datagrams of some bytes, each from a port of its own, so that each has a hash of its own. */
export async function sendMany(port: number, count: number, text = 'nx-bpf'): Promise<void> {
  for (let i = 0; i < count; i++) {
    const socket = createSocket('udp4');
    await new Promise((sent) => socket.send(text, port, '127.0.0.1', sent));
    socket.close();
  }
}
