import { createSocket, type Socket } from 'node:dgram';
import koffi from 'koffi';
import { closeFd, setSocketOption } from '../../packages/loader/src/kernel';

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
