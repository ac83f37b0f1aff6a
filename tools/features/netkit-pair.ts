import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { Netlink, netlinkAttribute, netlinkMessage, routeRequest } from './loader';

const RTM_NEWLINK = 16;
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
  const message = netlinkMessage(
    RTM_NEWLINK,
    Netlink.F_REQUEST | Netlink.F_ACK | Netlink.F_CREATE | Netlink.F_EXCL,
    // struct ifinfomsg without a type, an index and flags.
    new Uint8Array(16),
    netlinkAttribute(IFLA_IFNAME, name),
    netlinkAttribute(IFLA_LINKINFO, [netlinkAttribute(IFLA_INFO_KIND, 'netkit')]),
  );
  if (routeRequest(message).error < 0) return false;
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
