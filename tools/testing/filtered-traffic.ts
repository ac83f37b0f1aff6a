/**
 * A process that sends datagrams through a veth pair and looks at what arrives: `node -r ./tools/run-source.js` with a
 * request as JSON in its only argument. Its receivers are in the network namespace that it was started in, its sender
 * in another.
 *
 * First it sends one of each kind, before anything filters, and prints what arrived. After a line on stdin it sends at a
 * steady rate, until the file `stop` is there or the time is up, and prints the same again.
 */
import fs from 'node:fs';
import koffi from 'koffi';
import {
  closeFd,
  Namespace,
  openPath,
  setNamespace,
  setSocketOption,
} from '../../packages/loader/src/kernel';

export interface FilteredTraffic {
  /** Address of the end that receives, and the namespace of the one that sends. */
  readonly address: string;
  readonly farNetns: string;
  /** Ports of datagrams that two filters let through, and that one of them drops. */
  readonly ports: readonly [allowed: number, ...blocked: number[]];
  readonly stop: string;
  /** The process ends after this time whatever happens. */
  readonly seconds: number;
}

/** What was sent, and what arrived of it. */
export interface Traffic {
  readonly sent: number;
  /** Of those, to the port that is let through. */
  readonly allowed: number;
  /** With the marks of both filters. */
  readonly marked: number;
  /** Of those, with marks of two versions. */
  readonly mixed: number;
  /** Without one of the marks, or to a port that is blocked. */
  readonly unfiltered: number;
  readonly milliseconds: number;
}

const AF_INET = 2;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;
const SO_NO_CHECK = [1, 11] as const;
const SO_RCVBUFFORCE = [1, 33] as const;
/** A round is half allowed; a veth's ring takes 256 packets. */
const round = 16;
const pause = 5;

const { address, farNetns, ports, stop, seconds } = JSON.parse(process.argv[2]!) as FilteredTraffic;
const libc = koffi.load('libc.so.6');
type Call = (...values: (number | Uint8Array | null)[]) => number;
const socket = libc.func('int socket(int, int, int)') as unknown as Call;
const bind = libc.func('int bind(int, void *, uint32_t)') as unknown as Call;
const recvfrom = libc.func('int64_t recvfrom(int, void *, uint64_t, int, void *, void *)') as unknown as Call;
const sendto = libc.func('int64_t sendto(int, void *, uint64_t, int, void *, uint32_t)') as unknown as Call;

const addresses = ports.map((port) => {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.set(address.split('.').map(Number), 4);
  return bytes;
});
const receivers = addresses.map((bound) => {
  const fd = socket(AF_INET, SOCK_DGRAM, 0);
  // What arrives while this process does not run has to wait somewhere.
  if (setSocketOption(fd, SO_RCVBUFFORCE, 32 << 20) < 0 || bind(fd, bound, 16) !== 0) throw new Error('bind');
  return fd;
});
const namespace = openPath(`/run/netns/${farNetns}`);
setNamespace(namespace, Namespace.NETWORK);
closeFd(namespace);
const sender = socket(AF_INET, SOCK_DGRAM, 0);
// The filters write into the payload: without a checksum there is none to mend.
if (setSocketOption(sender, SO_NO_CHECK, 1) < 0) throw new Error('SO_NO_CHECK');

/** A mark of each filter, still empty. */
const payload = new Uint8Array(8);
const arrived = new Uint8Array(8);
let count = { sent: 0, allowed: 0, marked: 0, mixed: 0, unfiltered: 0 };

function send(kind: number): void {
  if (sendto(sender, payload, payload.length, 0, addresses[kind]!, 16) !== payload.length) return;
  count.sent++;
  if (kind === 0) count.allowed++;
}

function receive(): void {
  for (const [kind, fd] of receivers.entries()) {
    while (recvfrom(fd, arrived, arrived.length, MSG_DONTWAIT, null, null) === arrived.length) {
      const [first, second] = arrived;
      if (kind !== 0 || first === 0 || second === 0) count.unfiltered++;
      else {
        count.marked++;
        if (first !== second) count.mixed++;
      }
    }
  }
}

function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

function report(start: number): void {
  sleep(200);
  receive();
  const traffic: Traffic = { ...count, milliseconds: Math.round(performance.now() - start) };
  console.log(JSON.stringify(traffic));
}

const start = performance.now();
for (const kind of ports.keys()) send(kind);
report(start);
count = { sent: 0, allowed: 0, marked: 0, mixed: 0, unfiltered: 0 };

process.stdin.once('data', () => {
  const start = performance.now();
  while (!fs.existsSync(stop) && performance.now() - start < seconds * 1000) {
    for (let each = 0; each < round; each++)
      send(each % 2 === 0 ? 0 : 1 + ((each >> 1) % (ports.length - 1)));
    receive();
    sleep(pause);
  }
  report(start);
  process.exit(0);
});
