import { readFileSync } from 'node:fs';
import { tcpExchange, udpExchange } from './exchanges';
import { unixExchange } from './sockets';

/** What a process does that an attach point is asked about: whether it was let do it. */
type Action = () => boolean | Promise<boolean>;

const udp4 = () => udpExchange(4);
const udp6 = () => udpExchange(6);
const tcp4 = () => tcpExchange(4);
const tcp6 = () => tcpExchange(6);
const read = (file: string) => () => {
  try {
    readFileSync(file);
    return true;
  } catch {
    return false;
  }
};
const unix = (step: string) => () => unixExchange('/tmp/nx-bpf-cgroup.sock').includes(step);

/** What asks each attach point. */
export const cgroupActions: Readonly<Record<string, Action>> = {
  ingress: udp4,
  egress: udp4,
  sock_create: udp4,
  sock_release: udp4,
  sockops: tcp4,
  dev: read('/dev/null'),
  bind4: udp4,
  bind6: udp6,
  connect4: tcp4,
  connect6: tcp6,
  post_bind4: udp4,
  post_bind6: udp6,
  sendmsg4: udp4,
  sendmsg6: udp6,
  sysctl: read('/proc/sys/kernel/ostype'),
  recvmsg4: udp4,
  recvmsg6: udp6,
  getsockopt: udp4,
  setsockopt: udp4,
  getpeername4: tcp4,
  getpeername6: tcp6,
  getsockname4: tcp4,
  getsockname6: tcp6,
  connect_unix: unix('connect'),
  sendmsg_unix: unix('sendmsg'),
  recvmsg_unix: unix('recvmsg'),
  getpeername_unix: unix('getpeername'),
  getsockname_unix: unix('getsockname'),
};

/** They change what a process sees, and refuse nothing. */
export const neverRefuse: ReadonlySet<string> = new Set([
  'sock_release',
  'sockops',
  ...['recvmsg', 'getpeername', 'getsockname'].flatMap((name) => [`${name}4`, `${name}6`, `${name}_unix`]),
]);
