import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { Netlink, netlinkAttribute, netlinkMessage, routeRequest, setSocketOption, socketFd } from './loader';

const RTM_NEWLINK = 16;
const IFLA_IFNAME = 3;
const IFLA_LINKINFO = 18;
const IFLA_INFO_KIND = 1;

/** What the kernel calls the other end of a pair. */
const otherEnd = { netkit: 'nk0', veth: 'veth0' } as const;

/**
 * Makes a pair of interfaces that are up, in the current network namespace, where there is none yet: the first one has
 * an address. By netlink, since not every ip(8) knows netkit, or how to make a veth.
 *
 * @returns the name of the other one; undefined on a kernel without such pairs
 */
export function makePair(kind: keyof typeof otherEnd, name: string, address: string): string | undefined {
  const message = netlinkMessage(
    RTM_NEWLINK,
    Netlink.F_REQUEST | Netlink.F_ACK | Netlink.F_CREATE | Netlink.F_EXCL,
    // struct ifinfomsg without a type, an index and flags.
    new Uint8Array(16),
    netlinkAttribute(IFLA_IFNAME, name),
    netlinkAttribute(IFLA_LINKINFO, [netlinkAttribute(IFLA_INFO_KIND, kind)]),
  );
  if (routeRequest(message).error < 0) return undefined;
  for (const end of [name, otherEnd[kind]]) execFileSync('ip', ['link', 'set', end, 'up']);
  execFileSync('ip', ['address', 'add', `${address}/24`, 'dev', name]);
  return otherEnd[kind];
}

/** SOL_SOCKET and SO_BINDTODEVICE. */
const bindToDevice = [1, 25] as const;

/**
 * Sends a datagram, and waits until the kernel has taken it.
 *
 * @param through the interface that it leaves through, whatever the routes say
 */
export async function sendTo(address: string, through?: string): Promise<void> {
  const socket = createSocket('udp4');
  try {
    socket.bind(0);
    await once(socket, 'listening');
    if (through !== undefined) setSocketOption(socketFd(socket), bindToDevice, Buffer.from(through));
    await new Promise((sent) => socket.send('nx-bpf', 9, address, sent));
  } finally {
    socket.close();
  }
}
