import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { routeRequest } from './loader';

const RTM_NEWLINK = 16;
/** NLM_F_REQUEST, NLM_F_ACK, NLM_F_EXCL and NLM_F_CREATE. */
const flags = 1 | 4 | 0x200 | 0x400;
const IFLA_IFNAME = 3;
const IFLA_LINKINFO = 18;
const IFLA_INFO_KIND = 1;

/**
 * Makes a netkit pair that is up, in the current network namespace: the primary interface has an address, and the
 * kernel calls the other one nk0. By netlink, since not every ip(8) knows netkit.
 *
 * @returns false on a kernel without netkit
 */
export function makeNetkitPair(name: string, address: string): boolean {
  // struct ifinfomsg without a type, an index and flags.
  const body = [
    new Uint8Array(16),
    attribute(IFLA_IFNAME, text(name)),
    attribute(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, text('netkit'))),
  ];
  const header = new Uint8Array(16);
  const view = new DataView(header.buffer);
  view.setUint32(0, 16 + body.reduce((sum, part) => sum + part.length, 0), true);
  view.setUint16(4, RTM_NEWLINK, true);
  view.setUint16(6, flags, true);
  if (routeRequest(Buffer.concat([header, ...body])) < 0) return false;
  for (const end of [name, 'nk0']) execFileSync('ip', ['link', 'set', end, 'up']);
  execFileSync('ip', ['address', 'add', `${address}/24`, 'dev', name]);
  return true;
}

/** Sends a datagram, and waits until the kernel has taken it. */
export async function sendTo(address: string): Promise<void> {
  const socket = createSocket('udp4');
  try {
    await new Promise((sent) => socket.send('nx-bpf', 9, address, sent));
  } finally {
    socket.close();
  }
}

/** Length and type, then the bytes, up to a multiple of four. */
function attribute(type: number, bytes: Uint8Array): Uint8Array {
  const length = 4 + bytes.length;
  const attribute = new Uint8Array((length + 3) & ~3);
  const view = new DataView(attribute.buffer);
  view.setUint16(0, length, true);
  view.setUint16(2, type, true);
  attribute.set(bytes, 4);
  return attribute;
}

function text(value: string): Uint8Array {
  return Buffer.from(`${value}\0`);
}
