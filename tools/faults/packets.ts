/**
 * Packets for the filters: two to each port that one of them blocks, from where it sees them. What the map of counts
 * says, and what arrived all the same, tells which version of each runs.
 */
import path from 'node:path';
import { BpfMap } from '@nx-bpf/loader';
import koffi from 'koffi';
import {
  closeFd,
  Namespace,
  openPath,
  setNamespace,
  setSocketOption,
} from '../../packages/loader/src/kernel';
import { type Veth } from '../testing/network';
import { countsPerVersion, hooks, ports, routed, type Hook, type Version } from './filters';

/** What runs on a hook: a version; several at once; nothing that blocks; or nothing that counts, though it blocks. */
export type Runs = `v${Version}` | 'both' | 'open' | 'closed';
/** By hook, and what arrived though it should not. */
export interface Seen {
  readonly runs: Readonly<Record<Hook, Runs>>;
  readonly arrived: number;
}

const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const MSG_DONTWAIT = 0x40;
const SO_NO_CHECK = [1, 11] as const;
/** A veth hands over in a softirq: a moment later on a busy machine. */
const patience = { attempts: 40, milliseconds: 2 };
const each = 2;

type Call = (...values: (number | Uint8Array | null)[]) => number;

export class Packets {
  private readonly libc = koffi.load('libc.so.6');
  private readonly socketCall = this.libc.func('int socket(int, int, int)') as unknown as Call;
  private readonly bind = this.libc.func('int bind(int, void *, uint32_t)') as unknown as Call;
  private readonly recv = this.libc.func('int64_t recv(int, void *, uint64_t, int)') as unknown as Call;
  private readonly sendto = this.libc.func(
    'int64_t sendto(int, void *, uint64_t, int, void *, uint32_t)',
  ) as unknown as Call;
  /** By port: where it is sent from, to which address, and who would get it. */
  private readonly ways: readonly { from: number; to: Uint8Array; receiver: number | undefined }[];
  private readonly bytes = new Uint8Array(8);
  private readonly fds: number[] = [];

  /** @param maps folder of the deployment's pinned maps */
  constructor(
    veth: Veth,
    private readonly maps: string,
  ) {
    const near = this.socket();
    const far = inNamespace(veth.farNetns, () => this.socket());
    this.ways = ports.map((port, number) => {
      const hook = hooks[number]!;
      if (hook === 'lwt') return { from: near, to: address(routed.address, port), receiver: undefined };
      const outwards = hook === 'cgroup';
      const to = address(outwards ? veth.farAddress : veth.nearAddress, port);
      const receiver = outwards ? inNamespace(veth.farNetns, () => this.socket(to)) : this.socket(to);
      return { from: outwards ? near : far, to, receiver };
    });
  }

  /** Sends one to each port, and does not look. */
  send(): void {
    for (const { from, to } of this.ways)
      this.sendto(from, this.bytes, this.bytes.length, MSG_DONTWAIT, to, 16);
  }

  /** How many arrived since it was asked last, though they are blocked. */
  arrived(): number {
    return this.ways.reduce(
      (sum, { receiver }) => sum + (receiver === undefined ? 0 : this.drain(receiver)),
      0,
    );
  }

  /** Sends packets and says what runs on each hook. A veth whose XDP has just gone loses the first ones. */
  look(): Seen {
    let seen = this.lookOnce();
    for (let more = 0; more < 5 && Object.values(seen.runs).includes('closed'); more++) {
      sleep(20);
      seen = this.lookOnce();
    }
    return seen;
  }

  private lookOnce(): Seen {
    for (const { receiver } of this.ways) if (receiver !== undefined) this.drain(receiver);
    const before = this.counts();
    for (let number = 0; number < each; number++) this.send();
    const passed = ports.map(() => 0);
    let after = this.counts();
    for (let attempt = 0; attempt < patience.attempts; attempt++) {
      this.ways.forEach(({ receiver }, number) => {
        if (receiver !== undefined) passed[number]! += this.drain(receiver);
      });
      after = this.counts();
      const rose = (number: number): number => sum(after, number) - sum(before, number);
      // Of the route's packets nobody sees what passed; it is told from the count alone.
      if (
        ports.every(
          (_, number) => rose(number) + passed[number]! >= each || (hooks[number] === 'lwt' && attempt > 4),
        )
      )
        break;
      sleep(patience.milliseconds);
    }
    const runs = hooks.map((hook, number): [Hook, Runs] => {
      const first = after[1][number]! - before[1][number]!;
      const second = after[2][number]! - before[2][number]!;
      if ((passed[number] ?? 0) > 0) return [hook, 'open'];
      if (first > 0 && second > 0) return [hook, 'both'];
      if (first > 0) return [hook, 'v1'];
      if (second > 0) return [hook, 'v2'];
      const seenByNobody = hook === 'lwt' || hook === 'tracepoint';
      return [hook, seenByNobody ? 'open' : 'closed'];
    });
    return {
      runs: Object.fromEntries(runs) as Record<Hook, Runs>,
      arrived: passed.reduce((a, b) => a + b, 0),
    };
  }

  close(): void {
    for (const fd of this.fds.splice(0)) closeFd(fd);
  }

  private socket(bound?: Uint8Array): number {
    const fd = this.socketCall(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
    this.fds.push(fd);
    if (bound !== undefined && this.bind(fd, bound, 16) !== 0) throw new Error('bind');
    if (setSocketOption(fd, SO_NO_CHECK, 1) < 0) throw new Error('SO_NO_CHECK');
    return fd;
  }

  private drain(fd: number): number {
    let count = 0;
    while (this.recv(fd, this.bytes, this.bytes.length, MSG_DONTWAIT) >= 0) count++;
    return count;
  }

  /** By version and hook; zeros where there is no such map. */
  private counts(): Record<Version, readonly number[]> {
    const zeros = hooks.map(() => 0);
    let map: BpfMap<number, bigint | number>;
    try {
      map = BpfMap.open<number, bigint | number>(path.join(this.maps, 'fault_counts'));
    } catch {
      return { 1: zeros, 2: zeros };
    }
    try {
      const of = (version: Version): number[] =>
        hooks.map((_, number) => Number(map.lookup(version * countsPerVersion + number)));
      return { 1: of(1), 2: of(2) };
    } finally {
      map.close();
    }
  }
}

function sum(counts: Record<Version, readonly number[]>, number: number): number {
  return counts[1][number]! + counts[2][number]!;
}

function inNamespace<T>(name: string, use: () => T): T {
  const home = openPath('/proc/thread-self/ns/net');
  const there = openPath(`/run/netns/${name}`);
  try {
    setNamespace(there, Namespace.NETWORK);
    return use();
  } finally {
    setNamespace(home, Namespace.NETWORK);
    closeFd(there);
    closeFd(home);
  }
}

function address(host: string, port: number): Uint8Array {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.set(host.split('.').map(Number), 4);
  return bytes;
}

function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
