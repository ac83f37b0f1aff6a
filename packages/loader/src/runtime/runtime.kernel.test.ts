import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { tinyProgram } from '../../../../tools/testing/tiny-program';
import { mapCreate, possibleCpus } from '../kernel';
import { MapType, ProgramType } from '../object';
import { BpfMap, type Collection, loadFile, Program, RingBuffer } from './index';

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct traffic { __u64 packets; __u32 bytes; };
struct network { __u32 prefixlen; __u8 address[4]; };
struct event { __u32 serial; char comm[16]; };
struct exec_event { __u32 pid; char comm[16]; };

struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4); __type(key, __u32); __type(value, struct traffic); } flows SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 2); __type(key, __u32); __type(value, __u32); } per_cpu SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(max_entries, 8); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, struct network); __type(value, __u32); } blocked SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 2); __uint(value_size, 4); } queue SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } events SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 65536); } execs SEC(".maps");

const volatile __u32 limit = 10;
__u32 serial;
__u64 big = 0x123456789abcdef0;
struct traffic total = { .packets = 3 };
struct event *keep_event;
struct exec_event *keep_exec_event;

SEC("xdp") int emit(struct xdp_md *ctx)
{
	__u32 key = 0, *mine = bpf_map_lookup_elem(&per_cpu, &key);
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (mine)
		__sync_fetch_and_add(mine, 1);
	if (!event)
		return XDP_ABORTED;
	event->serial = ++serial;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	total.packets++;
	bpf_ringbuf_submit(event, 0);
	return serial > limit ? XDP_DROP : XDP_PASS;
}

SEC("xdp") int shrink(struct xdp_md *ctx)
{
	return bpf_xdp_adjust_head(ctx, 14) ? XDP_ABORTED : XDP_TX;
}

SEC("raw_tp/sched_process_exec") int sum(__u64 *ctx)
{
	return ctx[0] + ctx[1];
}

SEC("tp_btf/sched_process_exec") int on_exec(__u64 *ctx)
{
	struct exec_event *event = bpf_ringbuf_reserve(&execs, sizeof(*event), 0);

	if (!event)
		return 0;
	event->pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(event->comm, sizeof(event->comm));
	bpf_ringbuf_submit(event, 0);
	return 0;
}
`;

const packet = new Uint8Array(64).fill(0xee);

kernelSuite('what a library user holds', (kernel) => {
  /** A fresh object for each test, closed whatever the test does. */
  async function loaded(use: (collection: Collection) => void | Promise<void>, options = {}): Promise<void> {
    const collection = loadFile(kernel.compile(source, { name: 'runtime' }), options);
    try {
      await use(collection);
    } finally {
      collection.close();
    }
  }

  test('a hash map holds C structs', () =>
    loaded((collection) => {
      const flows = collection.map<number, { packets: number | bigint; bytes?: number }>('flows');
      expect(flows.lookup(7)).toBeUndefined();
      flows.update(7, { packets: 1, bytes: 2 });
      flows.update(8, { packets: 2n ** 60n });
      expect(flows.lookup(7)).toEqual({ packets: 1, bytes: 2 });
      expect([...flows.entries()].sort(([a], [b]) => a - b)).toEqual([
        [7, { packets: 1, bytes: 2 }],
        [8, { packets: 2n ** 60n, bytes: 0 }],
      ]);
      expect([...flows.keys()].sort()).toEqual([7, 8]);
      expect([flows.delete(7), flows.delete(7)]).toEqual([true, false]);
      expect(flows.raw.lookup(Uint8Array.of(8, 0, 0, 0))?.[7]).toBe(0x10);
    }));

  test.each([MapType.hash, MapType.array, MapType.percpu_hash])(
    'a big map of type %i is walked whole, in batches and by keys',
    (type) => {
      const count = 10_000;
      const map = new BpfMap(mapCreate({ map_type: type, key_size: 4, value_size: 8, max_entries: count }));
      const value = new Uint8Array(8 * (type === MapType.percpu_hash ? possibleCpus() : 1));
      const keys = new Uint32Array(1);
      for (keys[0] = 0; keys[0] < count; keys[0]++) map.raw.update(new Uint8Array(keys.buffer), value);
      const seen = [...map.raw.entries()].map(([key]) => new DataView(key.buffer).getUint32(0, true));
      expect(new Set(seen).size).toBe(count);
      expect([...map.raw.keys()].length).toBe(count);
      map.close();
    },
  );

  test('a map without batches is walked by its keys, empty slots left out', () => {
    const program = tinyProgram({ type: ProgramType.xdp });
    const map = new BpfMap(
      mapCreate({ map_type: MapType.prog_array, key_size: 4, value_size: 4, max_entries: 3 }),
    );
    const words = (...values: number[]) => new Uint8Array(Uint32Array.from(values).buffer);
    map.raw.update(words(1), words(program.fd));
    expect([...map.raw.entries()]).toEqual([[words(1), words(program.id)]]);
    map.close();
    program.close();
  });

  test('a map whose elements are deleted while it is walked: nothing twice', () => {
    const map = new BpfMap(
      mapCreate({ map_type: MapType.hash, key_size: 4, value_size: 4, max_entries: 9000 }),
    );
    const keys = new Uint32Array(1);
    for (keys[0] = 0; keys[0] < 9000; keys[0]++) {
      map.raw.update(new Uint8Array(keys.buffer), new Uint8Array(4));
    }
    let count = 0;
    for (const [key] of map.raw.entries()) {
      count++;
      map.raw.delete(key);
    }
    expect([count, [...map.raw.keys()].length]).toEqual([9000, 0]);
    map.close();
  });

  test('errors of a map say which map, and why', () =>
    loaded((collection) => {
      const flows = collection.map<unknown, unknown>('flows');
      for (let key = 0; key < 4; key++) flows.update(key, {});
      expect(() => flows.update(4, {})).toThrow(
        /^map 'flows': BPF_MAP_UPDATE_ELEM: E2BIG .*it has room for 4 elements/,
      );
      expect(() => flows.update(3, {}, 'new')).toThrow(/EEXIST .*an element with this key already/);
      expect(() => flows.update(9, {}, 'existing')).toThrow(/ENOENT .*no element with this key/);
      expect(() => flows.update(-1, {})).toThrow(/map 'flows': key/);
      expect(() => flows.update(1, { packet: 1 })).toThrow(/packets/);
      expect(() => flows.raw.lookup(new Uint8Array(3))).toThrow(
        "map 'flows': key: found 3 bytes, expected 4",
      );
      expect(() => collection.map('flow')).toThrow('did you mean flows?');
      flows.close();
      flows.close();
      expect(() => flows.lookup(1)).toThrow("map 'flows': used after it was closed");
    }));

  test('per-CPU values are a list, and the program writes its CPU', () =>
    loaded((collection) => {
      const perCpu = collection.map<number, number[]>('per_cpu');
      const zeros = new Array<number>(possibleCpus()).fill(0);
      expect(perCpu.lookup(0)).toEqual(zeros);
      collection.program('emit').testRun({ data: packet });
      expect(perCpu.lookup(0)?.reduce((sum, value) => sum + value)).toBe(1);
      perCpu.update(
        1,
        zeros.map((_, cpu) => cpu + 5),
      );
      expect(perCpu.lookup(1)).toEqual(zeros.map((_, cpu) => cpu + 5));
    }));

  test('an LPM trie takes networks and finds the longest', () =>
    loaded((collection) => {
      const blocked = collection.map<unknown, number>('blocked');
      blocked.update('10.0.0.0/8', 1);
      blocked.update({ prefixlen: 16, address: [10, 1, 0, 0] }, 2);
      expect([blocked.lookup('10.9.0.1'), blocked.lookup('10.1.0.1'), blocked.lookup('11.0.0.1')]).toEqual([
        1,
        2,
        undefined,
      ]);
      expect([...blocked.keys()]).toContainEqual({ prefixlen: 8, address: [10, 0, 0, 0] });
    }));

  test('a queue gives back in order', () =>
    loaded((collection) => {
      const queue = collection.map<never, Uint8Array>('queue');
      queue.push(Uint8Array.of(1, 0, 0, 0));
      queue.push(Uint8Array.of(2, 0, 0, 0));
      expect(() => queue.push(Uint8Array.of(3, 0, 0, 0))).toThrow(/E2BIG/);
      expect([queue.pop()?.[0], queue.pop()?.[0], queue.pop()]).toEqual([1, 2, undefined]);
    }));

  test('a map opened from its pin or by its id knows its types', () =>
    loaded((collection) => {
      const pin = path.join(kernel.bpffs, 'flows');
      const flows = collection.map('flows');
      flows.update(1, { packets: 9 });
      flows.pin(pin);
      const opened = BpfMap.open(pin);
      const byId = BpfMap.byId(flows.id);
      expect([opened.lookup(1), byId?.lookup(1)]).toEqual([
        { packets: 9, bytes: 0 },
        { packets: 9, bytes: 0 },
      ]);
      expect(() => Program.open(pin)).toThrow('does not hold a program: found a map, expected a program');
      expect(() => flows.pin(path.join(kernel.directory, 'flows'))).toThrow(
        expect.objectContaining({ code: 'NO_BPFFS' }),
      );
      opened.close();
      byId?.close();
      spawnSync('rm', [pin]);
      expect(() => BpfMap.open(pin)).toThrow(expect.objectContaining({ code: 'PIN_NOT_FOUND' }));
    }));

  test('variables are read and written while programs run', () =>
    loaded(
      (collection) => {
        const emit = collection.program('emit');
        const serial = collection.variable<number>('serial');
        const total = collection.variable<{ packets: number; bytes?: number }>('total');
        expect(collection.variable('big').get()).toBe(0x123456789abcdef0n);
        expect(collection.variable('limit').get()).toBe(2);
        const verdicts = [1, 2, 3].map(() => emit.testRun({ data: packet }).returnValue);
        expect(verdicts).toEqual([2, 2, 1]);
        expect([serial.get(), total.get()]).toEqual([3, { packets: 6, bytes: 0 }]);
        serial.set(0);
        total.set({ packets: 100 });
        expect(emit.testRun({ data: packet }).returnValue).toBe(2);
        expect([serial.get(), total.get()]).toEqual([1, { packets: 101, bytes: 0 }]);
        expect(() => collection.variable('limit').set(5)).toThrow(/EPERM|EACCES/);
        expect(() => collection.variable('serial').set(2 ** 32)).toThrow(/serial/);
        expect(() => collection.variable('seria')).toThrow('did you mean serial?');
      },
      { constants: { limit: 2 } },
    ));

  test('a test run gives back the packet and takes raw arguments', () =>
    loaded((collection) => {
      const shrunk = collection.program('shrink').testRun({ data: packet, repeat: 1 });
      expect([shrunk.returnValue, shrunk.data.length]).toEqual([3, 50]);
      expect(collection.program('sum').testRun({ context: [40n, 2n] }).returnValue).toBe(42);
      expect(collection.program('emit').testRun({ data: packet, repeat: 100 }).durationNs).toBeGreaterThan(0);
      expect(() => collection.program('emit').testRun({ data: new Uint8Array(3) })).toThrow(/EINVAL/);
    }));

  test('a ring buffer loses nothing it has room for, across many wraps', () =>
    loaded((collection) => {
      const emit = collection.program('emit');
      const events = new RingBuffer<{ serial: number }>(collection.map('events'), { type: 'struct event' });
      const seen: number[] = [];
      for (let round = 0; round < 40; round++) {
        emit.testRun({ data: packet, repeat: 50 });
        for (const event of events.drain()) seen.push(event.serial);
      }
      expect(seen).toEqual(Array.from({ length: 2000 }, (_, i) => i + 1));
      expect(events.pending).toBe(0);
      events.close();
      expect(events.read()).toBeUndefined();
    }));

  test('a ring buffer calls back from the event loop, until stopped', () =>
    loaded(async (collection) => {
      const emit = collection.program('emit');
      const events = new RingBuffer(collection.map('events'));
      const seen: Uint8Array[] = [];
      const stop = events.onRecord((record) => seen.push(record));
      emit.testRun({ data: packet, repeat: 3 });
      expect(seen).toEqual([]);
      await expect.poll(() => seen.length).toBe(3);
      expect(seen[0]?.length).toBe(20);
      stop();
      emit.testRun({ data: packet });
      await sleep(30);
      expect(seen.length).toBe(3);
      expect(events.pending).toBe(32);
      events.close();
    }));

  test('real execs arrive as typed events; close ends the wait', () =>
    loaded(async (collection) => {
      collection.attach('on_exec', 'tp_btf', {});
      expect(collection.links.map((link) => link.describe())).toEqual(['tp_btf sched_process_exec']);
      const events = new RingBuffer<{ pid: number; comm: string }>(collection.map('execs'), {
        type: 'exec_event',
      });
      const child = spawn('/bin/sleep', ['0']);
      for await (const event of events) {
        if (event.pid !== child.pid) continue;
        expect(event.comm).toBe('sleep');
        break;
      }
      void sleep(20).then(() => events.close());
      for await (const event of events) expect(event.comm).not.toBe('');
    }));

  test('a ring buffer of an unknown type, and a map that is none', () =>
    loaded((collection) => {
      const map = collection.map('events');
      expect(() => new RingBuffer(map, { type: 'struct evnt' })).toThrow('did you mean struct event?');
      expect(() => new RingBuffer(collection.map('flows'))).toThrow(
        "map 'flows' is read as a ring buffer: found a map of type hash, expected type ringbuf",
      );
    }));

  test('only what is asked for is loaded: a program and the maps it refers to', () =>
    loaded(
      (collection) => {
        expect([...collection.programs.keys()]).toEqual(['emit']);
        expect([...collection.maps.keys()].sort()).toEqual(['.bss', '.data', '.rodata', 'events', 'per_cpu']);
        expect(collection.map('events').maxEntries).toBe(8192);
        expect(collection.program('emit').testRun({ data: packet }).returnValue).toBe(2);
      },
      { programs: ['emit'], mapOverrides: { events: { maxEntries: 8192 } } },
    ));

  test('a file that is not there', () => {
    expect(() => loadFile(path.join(kernel.directory, 'nothing.o'))).toThrow(
      expect.objectContaining({ code: 'FILE' }),
    );
  });
});
