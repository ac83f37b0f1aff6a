/**
 * A process that sends datagrams over the loopback as fast as it can: `node -r ./tools/run-source.js` with a request as
 * JSON in its only argument. It joins a cgroup, prints `ready`, sends until the file `stop` is there, or the process that
 * started it is gone, and prints how many it sent. Each carries a number, from 0 to `keys` over and over, as its first 4 bytes.
 */
import fs from 'node:fs';
import koffi from 'koffi';

export interface Datagrams {
  readonly cgroup: string;
  readonly keys: number;
  readonly stop: string;
}

const AF_INET = 2;
const SOCK_DGRAM = 2;
/** Attempts between looks for the file. */
const burst = 1024;
const parent = process.ppid;

const { cgroup, keys, stop } = JSON.parse(process.argv[2]!) as Datagrams;
fs.writeFileSync(`${cgroup}/cgroup.procs`, String(process.pid));

const libc = koffi.load('libc.so.6');
const socket = libc.func('int socket(int, int, int)') as unknown as (...args: number[]) => number;
const bind = libc.func('int bind(int, void *, int)') as unknown as Call;
const getsockname = libc.func('int getsockname(int, void *, void *)') as unknown as Call;
const sendto = libc.func('int64_t sendto(int, void *, uint64_t, int, void *, int)') as unknown as Call;
type Call = (...args: (number | Uint8Array)[]) => number;

/** Nobody reads from it: what does not fit into its buffer is dropped there, after it was counted. */
const address = new Uint8Array([AF_INET, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
const receiver = socket(AF_INET, SOCK_DGRAM, 0);
if (bind(receiver, address, 16) !== 0) throw new Error('bind');
getsockname(receiver, address, new Uint8Array(Uint32Array.of(16).buffer));

const sender = socket(AF_INET, SOCK_DGRAM, 0);
const payload = new Uint8Array(4);
const view = new DataView(payload.buffer);
console.log('ready');
let sent = 0;
const start = performance.now();
// Attempts are counted, not what was sent: who is let send no more must end, too.
for (let attempt = 0; attempt % burst !== 0 || goesOn(); attempt++) {
  view.setUint32(0, attempt % keys, true);
  if (sendto(sender, payload, 4, 0, address, 16) === 4) sent++;
}
console.log(JSON.stringify({ sent, milliseconds: Math.round(performance.now() - start) }));

function goesOn(): boolean {
  return !fs.existsSync(stop) && process.ppid === parent;
}
