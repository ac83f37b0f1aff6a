import { programInfo, testRun, type TestRunInput } from '../../packages/loader/src/kernel';
import { BpfError } from '../../packages/loader/src/errors';
import { type Json } from './difference';
import { type Handles } from './handles';

/** A UDP packet over IPv4 and Ethernet, 64 bytes: 10.0.0.1 to 10.0.0.2. */
const packet = Buffer.from(
  'ffffffffffff' + // destination
    '020000000001' + // source
    '0800' +
    '450000320000400040110000' + // IPv4, 50 bytes, UDP
    '0a0000010a000002' +
    '04d2162e001e0000' + // ports 1234 and 5678
    '00'.repeat(22),
  'hex',
);

/** `struct bpf_sk_lookup`: an address family (AF_INET) and zeros. */
function socketLookup(): Uint8Array {
  const context = new Uint8Array(72);
  context[8] = 2;
  return context;
}

/** What a program is run on, by its type in `enum bpf_prog_type`; other types can't be run on demand. */
const inputs: Readonly<Record<number, () => TestRunInput>> = {
  1: () => ({ data: packet }), // SOCKET_FILTER
  3: () => ({ data: packet }), // SCHED_CLS
  4: () => ({ data: packet }), // SCHED_ACT
  6: () => ({ data: packet }), // XDP
  8: () => ({ data: packet }), // CGROUP_SKB
  10: () => ({ data: packet }), // LWT_IN
  11: () => ({ data: packet }), // LWT_OUT
  12: () => ({ data: packet }), // LWT_XMIT
  17: () => ({ context: new Uint8Array(96) }), // RAW_TRACEPOINT, 12 arguments, which is as many as there can be
  19: () => ({ data: packet }), // LWT_SEG6LOCAL
  22: () => ({ data: packet }), // FLOW_DISSECTOR
  30: () => ({ context: socketLookup() }), // SK_LOOKUP
  31: () => ({ context: new Uint8Array(24).fill(3) }), // SYSCALL
};

/**
 * Runs every program that can be run, in the order of their names, and says what each returned: a number, or the
 * error with which the kernel refused the run.
 */
export function runAll({ programs }: Handles): Record<string, Json> {
  const results: [string, Json][] = [];
  for (const [name, fd] of [...programs].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const input = inputs[programInfo(fd).type];
    if (input !== undefined) results.push([name, run(fd, input())]);
  }
  return Object.fromEntries(results);
}

function run(fd: number, input: TestRunInput): Json {
  try {
    return testRun(fd, input).returnValue;
  } catch (error) {
    if (error instanceof BpfError && error.fields.errno !== undefined)
      return `refused: ${error.fields.errno}`;
    throw error;
  }
}
