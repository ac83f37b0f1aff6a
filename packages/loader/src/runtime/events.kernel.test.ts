import { expect, test } from 'vitest';
import { kernelSuite, type KernelSuite } from '../../../../tools/testing/kernel';
import { onlineCpus, pageSize } from '../kernel';
import { type Collection, loadFile, PerfEventArray, UserRingBuffer } from './index';

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
struct sample { __u32 serial; __u32 cpu; char text[16]; };
enum op { OP_ADD = 1, OP_CLEAR = 2 };
struct command { enum op op; __u32 pad; __u64 amount; };
struct sample *keep_sample;
struct command *keep_command;
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __type(key, __u32); __type(value, __u32); } samples SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_USER_RINGBUF); __uint(max_entries, 4096); } commands SEC(".maps");
__u32 serial, seen;
__u64 total;
SEC("raw_tp/sys_enter") int send(void *ctx)
{
	struct sample sample = { .serial = ++serial, .cpu = bpf_get_smp_processor_id(), .text = "sample" };

	return bpf_perf_event_output(ctx, &samples, BPF_F_CURRENT_CPU, &sample, sizeof(sample));
}
static long obey(struct bpf_dynptr *dynptr, void *ctx)
{
	struct command command;

	if (bpf_dynptr_read(&command, sizeof(command), dynptr, 0, 0))
		return 0;
	seen++;
	total = command.op == OP_CLEAR ? 0 : total + command.amount;
	return 0;
}
SEC("syscall") int drain(void *ctx)
{
	return bpf_user_ringbuf_drain(&commands, obey, 0, 0);
}
`;

async function withObject(kernel: KernelSuite, use: (collection: Collection) => void | Promise<void>) {
  const collection = loadFile(kernel.compile(source, { name: 'events' }));
  try {
    await use(collection);
  } finally {
    collection.close();
  }
}

interface Sample {
  readonly serial: number;
  readonly cpu: number;
  readonly text: string;
}

kernelSuite('perf event arrays and user ring buffers', (kernel) => {
  test('samples come from each CPU, in the order of the CPU, decoded', () =>
    withObject(kernel, async (collection) => {
      const send = collection.program('send');
      using reader = new PerfEventArray<Sample>(collection.map('samples'), { type: 'sample' });
      for (const cpu of onlineCpus()) for (let i = 0; i < 3; i++) send.testRun({ context: [], cpu });
      const seen: Sample[] = [];
      for await (const { cpu, value } of reader) {
        expect(value).toEqual({ serial: value.serial, cpu, text: 'sample' });
        seen.push(value);
        if (seen.length === 3 * onlineCpus().length) break;
      }
      expect(seen.map(({ serial }) => serial).sort((a, b) => a - b)).toEqual(seen.map((_, i) => i + 1));
      for (const cpu of onlineCpus()) {
        const serials = seen.filter((value) => value.cpu === cpu).map(({ serial }) => serial);
        expect(serials).toEqual([...serials].sort((a, b) => a - b));
      }
      expect(reader.lost).toBe(0);
    }));

  test('a perf buffer wraps, and says how many samples it had no room for', () =>
    withObject(kernel, (collection) => {
      const send = collection.program('send');
      const dropped: [number, number][] = [];
      using reader = new PerfEventArray<Sample>(collection.map('samples'), {
        type: 'struct sample',
        bufferSize: pageSize(),
        onLost: (cpu, count) => dropped.push([cpu, count]),
      });
      // Each takes 40 bytes (header, size, 24 bytes, padding): 4096 bytes have room for 102.
      const serials: number[] = [];
      for (let round = 0; round < 10; round++) {
        for (let i = 0; i < 50; i++) send.testRun({ context: [], cpu: 0 });
        serials.push(...[...reader.drain()].map(({ value }) => value.serial));
      }
      expect(serials).toEqual(Array.from({ length: 500 }, (_, i) => i + 1));
      for (let i = 0; i < 200; i++) send.testRun({ context: [], cpu: 0 });
      const kept = [...reader.drain()].length;
      // The kernel says what it lost with the next sample that has room.
      send.testRun({ context: [], cpu: 0 });
      expect([...reader.drain()].length).toBe(1);
      expect(kept).toBeGreaterThan(90);
      expect(reader.lost).toBe(200 - kept);
      expect(dropped).toEqual([[0, 200 - kept]]);
    }));

  test('a perf event array whose reader is closed gets nothing any more', () =>
    withObject(kernel, (collection) => {
      const reader = new PerfEventArray(collection.map('samples'));
      expect(collection.program('send').testRun({ context: [], cpu: 0 }).returnValue).toBe(0);
      expect([...reader.drain()].map(({ value }) => value[0])).toEqual([1]);
      reader.close();
      // -ENOENT: the slot is empty.
      expect(collection.program('send').testRun({ context: [], cpu: 0 }).returnValue | 0).toBe(-2);
      expect(() => new PerfEventArray(collection.map('commands'))).toThrow('expected type perf_event_array');
      expect(() => new PerfEventArray(collection.map('samples'), { bufferSize: 5000 })).toThrow(
        'a power of two of pages',
      );
    }));

  test('a program obeys commands of a user ring buffer, across wraps', () =>
    withObject(kernel, (collection) => {
      const drain = collection.program('drain');
      using commands = new UserRingBuffer<object>(collection.map('commands'), { type: 'struct command' });
      let sum = 0;
      for (let round = 1; round <= 20; round++) {
        for (let i = 0; i < 30; i++) expect(commands.write({ op: 'OP_ADD', amount: round })).toBe(true);
        sum += 30 * round;
        expect(drain.testRun().returnValue).toBe(30);
        expect(commands.pending).toBe(0);
        expect(collection.variable('total').get()).toBe(sum);
      }
      commands.write({ op: 'OP_CLEAR' });
      drain.testRun();
      expect([collection.variable('total').get(), collection.variable('seen').get()]).toEqual([0, 601]);
      expect(() => commands.write({ op: 'OP_AD' })).toThrow(/record.op .*did you mean OP_ADD/);
    }));

  test('a user ring buffer that is full says so, and when there is room again', () =>
    withObject(kernel, async (collection) => {
      using commands = new UserRingBuffer(collection.map('commands'));
      const record = new Uint8Array(16);
      let written = 0;
      while (commands.write(record)) written++;
      expect([written, commands.pending]).toEqual([170, 170 * 24]);
      const waiting = commands.writable();
      setTimeout(() => collection.program('drain').testRun(), 10);
      await waiting;
      expect(commands.pending).toBe(0);
      expect(commands.write(record)).toBe(true);
      expect(() => commands.write(new Uint8Array(4096))).toThrow('at most 4088');
    }));
});
