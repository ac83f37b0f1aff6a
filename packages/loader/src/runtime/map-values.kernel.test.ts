import { createSocket } from 'node:dgram';
import { expect, test } from 'vitest';
import { kernelSuite, type KernelSuite } from '../../../../tools/testing/kernel';
import { packet } from '../../test/runtime-object';
import { mapCreate } from '../kernel';
import { MapType } from '../object';
import { type Collection, BpfMap, loadFile, type Handle } from './index';

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";

struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, __u32); __type(value, __u64); };
struct inner first SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 2); __type(key, __u32); __array(values, struct inner); } by_index SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH_OF_MAPS); __uint(max_entries, 2); __type(key, __u64); __array(values, struct inner); } by_key SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2); __uint(key_size, 4); __uint(value_size, 4); } calls SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_STACK); __uint(max_entries, 4); __type(value, __u32); } stack SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 4); __type(value, __u32); } queue SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_BLOOM_FILTER); __uint(max_entries, 1000); __type(value, __u32); } bloom SEC(".maps");

enum state { STATE_NEW, STATE_OPEN, STATE_CLOSED };
struct counted { struct bpf_spin_lock lock; enum state state; __u64 packets; };
struct rule {
	enum state state;
	__u32 first : 3, second : 21;
	char name[8];
	union { __u64 whole; __u32 half[2]; } either;
	struct { __s16 low; __u8 flag; } parts[2];
	__u64 big;
};
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, __u32); __type(value, struct rule); } rules SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 64); __type(key, __u32); __type(value, struct counted); } locked SEC(".maps");

SEC("xdp") int count_inner(struct xdp_md *ctx)
{
	__u32 zero = 0, one = 1;
	void *inner = bpf_map_lookup_elem(&by_index, &one);
	__u64 *value = inner ? bpf_map_lookup_elem(inner, &zero) : 0;

	if (value)
		*value += 1;
	return value ? XDP_PASS : XDP_DROP;
}
SEC("xdp") int target(struct xdp_md *ctx)
{
	return XDP_TX;
}
SEC("xdp") int caller(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &calls, 1);
	return XDP_ABORTED;
}
`;

async function withObject(kernel: KernelSuite, use: (collection: Collection) => void | Promise<void>) {
  const collection = loadFile(kernel.compile(source, { name: 'values' }));
  try {
    await use(collection);
  } finally {
    collection.close();
  }
}

const XDP_DROP = 1;
const XDP_PASS = 2;
const XDP_TX = 3;

kernelSuite('what maps hold', (kernel) => {
  test('an inner map as an object, an id or an fd: the program counts in it', () =>
    withObject(kernel, (collection) => {
      const outer = collection.map<number, Handle>('by_index');
      const inner = collection.map<number, number>('first');
      const run = () => collection.program('count_inner').testRun({ data: packet }).returnValue;
      expect([run(), outer.lookup(1)]).toEqual([XDP_DROP, undefined]);
      for (const [times, handle] of [inner, { id: inner.id }, inner.fd].entries()) {
        outer.update(1, handle);
        expect([run(), inner.lookup(0), outer.lookup(1)]).toEqual([XDP_PASS, times + 1, inner.id]);
        expect([outer.delete(1), run()]).toEqual([true, XDP_DROP]);
      }
      expect(() => outer.update(1, { id: 0x7fffffff })).toThrow("map 'by_index': value: found id 2147483647");
      expect(() => outer.update(1, 'first' as unknown as Handle)).toThrow(
        'expected a map: its object, { id } or an fd',
      );
      expect(() => outer.update(1, collection.program('target'))).toThrow(/EINVAL/);
    }));

  test('a hash of maps is walked, and shows ids', () =>
    withObject(kernel, (collection) => {
      const outer = collection.map<number, Handle>('by_key');
      const inner = collection.map('first');
      expect(
        outer.updateBatch([
          [5, inner],
          [6, inner],
        ]),
      ).toBe(2);
      expect([...outer.entries()].sort(([a], [b]) => a - b)).toEqual([
        [5, inner.id],
        [6, inner.id],
      ]);
      expect([outer.delete(5), [...outer.keys()]]).toEqual([true, [6]]);
    }));

  test('a tail call goes where the prog array says', () =>
    withObject(kernel, (collection) => {
      const calls = collection.map<number, Handle>('calls');
      const target = collection.program('target');
      const run = () => collection.program('caller').testRun({ data: packet }).returnValue;
      expect(run()).toBe(0);
      calls.update(1, target);
      expect([run(), calls.lookup(1)]).toEqual([XDP_TX, target.id]);
      calls.delete(1);
      expect(run()).toBe(0);
      calls.update(1, { id: target.id });
      expect(run()).toBe(XDP_TX);
      expect(() => calls.update(1, collection.map('first'))).toThrow(/map 'calls': .*EINVAL/);
    }));

  test('stacks, queues and bloom filters, typed', () =>
    withObject(kernel, (collection) => {
      const stack = collection.map<never, number>('stack');
      const queue = collection.map<never, number>('queue');
      for (const value of [1, 2, 3]) {
        stack.push(value);
        queue.push(value);
      }
      expect([stack.peek(), stack.pop(), stack.pop(), stack.pop(), stack.pop(), stack.peek()]).toEqual([
        ...[3, 3, 2, 1],
        ...[undefined, undefined],
      ]);
      expect([queue.peek(), queue.pop(), queue.pop(), queue.pop(), queue.pop()]).toEqual([
        1,
        1,
        2,
        3,
        undefined,
      ]);
      const bloom = collection.map<never, number>('bloom');
      bloom.push(7);
      expect(bloom.mayHold(7)).toBe(true);
      expect(
        Array.from({ length: 200 }, (_, i) => bloom.mayHold(1000 + i)).filter(Boolean).length,
      ).toBeLessThan(20);
    }));

  test('a struct with everything in it, both ways, and the field that does not fit', () =>
    withObject(kernel, (collection) => {
      const rules = collection.map<number, object>('rules');
      const rule = {
        state: 'STATE_OPEN',
        first: 5,
        second: 0x1fffff,
        name: 'ssh',
        either: { whole: 0x100000002 },
        parts: [
          { low: -3, flag: 1 },
          { low: 7, flag: 0 },
        ],
        big: 2n ** 63n,
      };
      const shown = { ...rule, either: { whole: 0x100000002, half: [2, 1] } };
      rules.update(1, rule);
      expect(rules.lookup(1)).toEqual(shown);
      expect(rules.lookupAndDelete(1)).toEqual(shown);
      expect(rules.lookup(1)).toBeUndefined();
      const wrong = (value: object) => () => rules.update(1, { ...rule, ...value });
      expect(wrong({ first: 8 })).toThrow(/map 'rules': value\.first .*expected 0 to 7/);
      expect(wrong({ state: 'STATE_OPN' })).toThrow(/value\.state .*did you mean STATE_OPEN/);
      expect(wrong({ parts: [{}, { low: 40000 }] })).toThrow(/value\.parts\[1\]\.low .*-32768 to 32767/);
      expect(wrong({ name: 'too long a name' })).toThrow(/value\.name .*up to 8 bytes/);
      expect(wrong({ big: 1.5 })).toThrow(/value\.big/);
      expect(wrong({ nme: '' })).toThrow(/did you mean name/);
    }));

  test('values under their spin lock', () =>
    withObject(kernel, (collection) => {
      // The kernel takes no BTF of a struct with both a lock and bitfields between bytes (btf_find_struct_field).
      const locked = collection.map<number, object>('locked');
      const value = { state: 'STATE_CLOSED', packets: 7 };
      const shown = { lock: { val: 0 }, ...value };
      locked.update(2, value, { lock: true, mode: 'new' });
      expect(() => locked.update(2, value, { lock: true, mode: 'new' })).toThrow(/EEXIST/);
      expect([locked.lookup(2), locked.lookup(2, { lock: true })]).toEqual([shown, shown]);
      expect(locked.lookupAndDelete(2, { lock: true })).toEqual(shown);
      const many = Array.from({ length: 40 }, (_, i) => [i, value] as const);
      expect(locked.updateBatch(many, { lock: true })).toBe(40);
      expect([...locked.chunks()].flat().length).toBe(40);
      expect(locked.deleteBatch([1, 2, 99])).toBe(2);
      const left = [...locked.takeAll()].map(([key]) => key).sort((x, y) => x - y);
      expect(left).toEqual([0, ...Array.from({ length: 37 }, (_, i) => i + 3)]);
      expect([...locked.keys()]).toEqual([]);
    }));

  test('a map whose value has no lock refuses BPF_F_LOCK', () =>
    withObject(kernel, (collection) => {
      expect(() => collection.map<number, number>('first').update(0, 1, { lock: true })).toThrow(/EINVAL/);
    }));

  test('a socket in a sockmap is found again by its cookie, and gone when it is closed', async () => {
    using map = new BpfMap<number, Handle | Uint8Array>(
      mapCreate({ map_type: MapType.sockmap, key_size: 4, value_size: 8, max_entries: 2 }),
    );
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
    map.update(1, fd);
    const cookie = map.lookup(1) as Uint8Array;
    expect(new DataView(cookie.buffer, cookie.byteOffset).getBigUint64(0, true)).toBeGreaterThan(0n);
    await new Promise<void>((resolve) => socket.close(() => resolve()));
    expect(map.lookup(1)).toBeUndefined();
  });
});
