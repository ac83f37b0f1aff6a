import { execFileSync } from 'node:child_process';
import {
  closeFd,
  interfaceIndex,
  Namespace,
  openPath,
  setNamespace,
  unshare,
} from '../../packages/loader/src/kernel';

/** A pair of virtual interfaces: the near end in the test's network namespace, the far end in another. */
export interface Veth {
  /** Name of the near end, and its index. */
  readonly interface: string;
  readonly ifindex: number;
  /** Addresses of both ends, in one /24. */
  readonly nearAddress: string;
  readonly farAddress: string;
  /** Name of the far end's namespace, under /run/netns; `ip netns exec` enters it. */
  readonly farNetns: string;
  readonly farInterface: string;
  /** Send datagrams of some bytes from the far end to the near one, to the discard port. */
  sendFromFar(count: number): void;
  /** Send datagrams from the near end to the far one. */
  sendFromNear(count: number): void;
}

const farNetns = 'nx-bpf-far';
const near = { name: 'nxb-near', address: '10.99.0.1', mac: '02:00:00:00:00:01' };
const far = { name: 'nxb-far', address: '10.99.0.2', mac: '02:00:00:00:00:02' };

/**
 * Run something in a fresh network namespace with a veth pair that is up. Both ends know each other's MAC address,
 * so that no ARP packet disturbs a count, and IPv6 is off for the same reason. The namespaces, the pair and every
 * link on it are gone after.
 *
 * Only the calling thread is in the namespace; child processes are too.
 *
 * @example
 * ```ts
 * await withVeth((veth) => {
 *   attach(program, veth.ifindex);
 *   veth.sendFromFar(3);
 * });
 * ```
 */
export async function withVeth<T>(use: (veth: Veth) => T | Promise<T>): Promise<T> {
  const home = openPath('/proc/thread-self/ns/net');
  unshare(Namespace.NETWORK);
  try {
    create();
    return await use({
      interface: near.name,
      ifindex: interfaceIndex(near.name),
      nearAddress: near.address,
      farAddress: far.address,
      farNetns,
      farInterface: far.name,
      sendFromFar: (count) => run('ip', 'netns', 'exec', farNetns, 'bash', '-c', send(near.address, count)),
      sendFromNear: (count) => run('bash', '-c', send(far.address, count)),
    });
  } finally {
    run('sh', '-c', `ip link del ${near.name}; ip netns del ${farNetns}; true`);
    setNamespace(home, Namespace.NETWORK);
    closeFd(home);
  }
}

function create(): void {
  run('ip', 'netns', 'add', farNetns);
  for (const inside of [[], ['-n', farNetns]]) run('ip', ...inside, 'link', 'set', 'lo', 'up');
  run(
    'ip',
    'link',
    'add',
    near.name,
    'address',
    near.mac,
    'type',
    'veth',
    'peer',
    'name',
    far.name,
    'address',
    far.mac,
  );
  run('ip', 'link', 'set', far.name, 'netns', farNetns);
  bringUp([], near, far);
  bringUp(['-n', farNetns], far, near);
}

function bringUp(inside: string[], self: typeof near, other: typeof near): void {
  run('ip', ...inside, 'link', 'set', self.name, 'addrgenmode', 'none');
  run('ip', ...inside, 'address', 'add', `${self.address}/24`, 'dev', self.name);
  run('ip', ...inside, 'link', 'set', self.name, 'up');
  run(
    'ip',
    ...inside,
    'neigh',
    'replace',
    other.address,
    'lladdr',
    other.mac,
    'nud',
    'permanent',
    'dev',
    self.name,
  );
}

/** bash sends what is written to /dev/udp/HOST/PORT; a refused datagram (nobody listens) is no failure. */
function send(address: string, count: number): string {
  return `for ((i = 0; i < ${count}; i++)); do echo nx-bpf > /dev/udp/${address}/9; done 2>/dev/null; true`;
}

function run(command: string, ...argv: string[]): void {
  execFileSync(command, argv, { stdio: ['ignore', 'ignore', 'pipe'] });
}
