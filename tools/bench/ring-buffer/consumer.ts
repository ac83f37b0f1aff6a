import { readFileSync } from 'node:fs';
import { BpfMap, parseObject, RingBuffer } from '@nx-bpf/loader';

/** What the producer's program sends: `struct event` of events.bpf.c. */
interface Event {
  readonly time: number | bigint;
  readonly pid: number;
  readonly tid: number;
  readonly bytes: number;
  readonly verdict: string;
  readonly source_port: number;
  readonly destination_port: number;
  readonly comm: string;
  readonly serial: number;
  readonly latency: number;
}

/** Reads the pinned ring buffer until SIGTERM, as consumer.c does, then says how many events it saw. */
const [pin = '', object = '', backlog = '0'] = process.argv.slice(2);
const map = BpfMap.open(pin);
const events = new RingBuffer<Event>(map, {
  type: 'struct event',
  backlog: Number(backlog) * 1024 * 1024,
  btf: parseObject(readFileSync(object), { name: 'events' }).btf,
});
let seen = 0;
let sum = 0;
let letters = 0;
const take = (event: Event): void => {
  seen++;
  sum +=
    event.bytes +
    event.serial +
    event.latency +
    event.pid +
    event.tid +
    event.source_port +
    event.destination_port;
  letters += event.comm.length;
};
events.onRecord(take);
process.on('SIGTERM', () => {
  for (const event of events.drain()) take(event);
  const { user, system } = process.cpuUsage();
  process.stdout.write(
    `${JSON.stringify({ seen, sum: String(sum), letters, cpuSeconds: (user + system) / 1e6 })}\n`,
  );
  events.close();
  map.close();
  process.exit(0);
});
process.stdout.write('ready\n');
