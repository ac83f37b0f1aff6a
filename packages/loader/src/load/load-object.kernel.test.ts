import { readFileSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { BpfError } from '../errors';
import {
  mapCreate,
  closeFd,
  mapInfo,
  mapLookup,
  mapUpdate,
  objectGet,
  possibleCpus,
  programInfo,
  runningKernel,
  testRun,
} from '../kernel';
import { parseObject } from '../object';
import { relocateObject, withConstants, withMaps, type RelocatedObject } from '../relocate';
import { loadObject } from './index';

const head = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
`;

kernelSuite('objects in the kernel', (kernel) => {
  function relocated(name: string, source: string, programs?: readonly string[]): RelocatedObject {
    const bytes = readFileSync(kernel.compile(head + source, { name }));
    return relocateObject(parseObject(new Uint8Array(bytes), { name }), runningKernel(), { programs });
  }

  /** The error that loading ends with. */
  function failure(load: () => unknown): BpfError {
    try {
      load();
    } catch (error) {
      if (error instanceof BpfError) return error;
      throw error;
    }
    throw new Error('loaded, although it should not');
  }

  const globals = `
    struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, int); __type(value, long); } hits SEC(".maps");
    struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, int); __type(value, int); } other SEC(".maps");
    const volatile int answer = 41;
    int first = 5, second = 7;
    int zero[4];
    SEC("xdp") int sum(struct xdp_md *ctx) {
      int key = 1; long *found = bpf_map_lookup_elem(&hits, &key);
      zero[2] += 1;
      return answer + second + zero[2] + (found ? *found : 0);
    }
    SEC("socket") int alone(struct __sk_buff *skb) { int key = 2; bpf_map_update_elem(&other, &key, &key, 0); return 9; }
    SEC("?xdp") int later(struct xdp_md *ctx) { return 1; }
  `;

  test('maps, constants and variables meet in a program that runs', () => {
    const loaded = loadObject(relocated('globals', globals));
    expect(loaded.notes).toEqual([]);
    expect(loaded.maps.map((map) => map.spec.name)).toEqual(['hits', 'other', '.rodata', '.data', '.bss']);
    expect(loaded.programs.map((program) => program.spec.name)).toEqual(['sum', 'alone']);
    const program = loaded.program('sum').fd.number;
    const data = new Uint8Array(64);
    expect(testRun(program, { data }).returnValue).toBe(41 + 7 + 1);
    mapUpdate(loaded.map('hits').fd.number, word(1), new Uint8Array(new BigInt64Array([100n]).buffer));
    expect(testRun(program, { data }).returnValue).toBe(41 + 7 + 2 + 100);

    const info = programInfo(program);
    expect(info.name).toBe('sum');
    expect(info.btfId).toBeGreaterThan(0);
    const rodata = mapInfo(loaded.map('.rodata').fd.number);
    expect(info.mapIds).toContain(rodata.id);
    expect(rodata).toMatchObject({ name: 'globals.rodata', maxEntries: 1, keyTypeId: 0 });
    expect(rodata.valueTypeId).toBeGreaterThan(0);
    expect(() => mapUpdate(loaded.map('.rodata').fd.number, word(0), new Uint8Array(4))).toThrow('EPERM');
    loaded.close();
    expect(loaded.timing.programs).toBeGreaterThan(0);
  });

  test('only the maps of the named programs are made', () => {
    const loaded = loadObject(relocated('globals', globals), { programs: ['alone'] });
    expect(loaded.maps.map((map) => map.spec.name)).toEqual(['other']);
    loaded.close();
    const later = loadObject(relocated('globals', globals, ['later']));
    expect(later.programs.map(({ spec }) => spec.name)).toEqual(['later']);
    later.close();
    expect(failure(() => loadObject(relocated('globals', globals), { programs: ['alon'] }))).toMatchObject({
      code: 'PROGRAM_NOT_FOUND',
      message: expect.stringContaining("did you mean 'alone'") as string,
    });
  });

  test('constants are set before loading and known to the verifier', () => {
    const loaded = loadObject(withConstants(relocated('globals', globals), { answer: 1 }), {
      programs: ['sum'],
    });
    expect(testRun(loaded.program('sum').fd.number, { data: new Uint8Array(64) }).returnValue).toBe(
      1 + 7 + 1,
    );
    loaded.close();
  });

  test('a map handed in is used, a different one is refused with every difference', () => {
    const object = relocated('globals', globals);
    const given = mapCreate({ map_type: 1, key_size: 4, value_size: 8, max_entries: 8, map_name: 'mine' });
    mapUpdate(given, word(1), new Uint8Array(new BigInt64Array([1000n]).buffer));
    const loaded = loadObject(object, { programs: ['sum'], maps: { hits: given } });
    expect(loaded.map('hits').origin).toBe('given');
    expect(testRun(loaded.program('sum').fd.number, { data: new Uint8Array(64) }).returnValue).toBe(1049);
    loaded.close();
    expect(mapInfo(given).name).toBe('mine');
    closeFd(given);

    const wrong = mapCreate({ map_type: 2, key_size: 4, value_size: 16, max_entries: 9 });
    const error = failure(() => loadObject(object, { maps: { hits: wrong } }));
    closeFd(wrong);
    expect(error.code).toBe('MAP_INCOMPATIBLE');
    expect(error.fields.problems).toEqual([
      'type is array, the object defines hash',
      'value_size is 16, the object defines 8',
      'max_entries is 9, the object defines 8',
    ]);
    expect(failure(() => loadObject(object, { maps: { hit: 1 } })).message).toContain("did you mean 'hits'");
  });

  test('a pinned map is made once, found again, and not replaced by a different one', () => {
    const object = relocated('globals', globals);
    const pin = path.join(kernel.bpffs, 'maps', 'hits');
    const options = { programs: ['sum'], mapPins: { hits: pin } };
    const first = loadObject(object, options);
    expect(first.map('hits').origin).toBe('created');
    const second = loadObject(object, options);
    expect(second.map('hits').origin).toBe('pinned');
    expect(mapInfo(second.map('hits').fd.number).id).toBe(mapInfo(first.map('hits').fd.number).id);
    first.close();
    second.close();
    const error = failure(() => loadObject(withMaps(object, { hits: { maxEntries: 4096 } }), options));
    expect(error).toMatchObject({ code: 'MAP_INCOMPATIBLE', fields: { path: pin } });
    expect(error.message).toContain('max_entries is 8, the object defines 4096');
    expect(error.message).toContain(`remove ${pin}`);
    clear(kernel.bpffs);
  });

  test('constants of a pinned section that differ are a difference', () => {
    const object = relocated('globals', globals);
    const options = { programs: ['sum'], mapPins: { '.rodata': path.join(kernel.bpffs, 'constants') } };
    loadObject(object, options).close();
    loadObject(object, options).close();
    const error = failure(() => loadObject(withConstants(object, { answer: 2 }), options));
    expect(error.message).toContain('the constants of .rodata have other values');
    clear(kernel.bpffs);
  });

  test('after a failure no pin and no object is left', () => {
    const object = relocated(
      'broken',
      `${globals}
      SEC("xdp") int bad(struct xdp_md *ctx) { int key = 1; long *v = bpf_map_lookup_elem(&hits, &key); return *v; }`,
    );
    const pin = path.join(kernel.bpffs, 'hits');
    expect(failure(() => loadObject(object, { mapPins: { hits: pin } })).code).toBe('VERIFIER_REJECTED');
    expect(objectGet(pin)).toBe(-2);
  });

  test('sizes: ring buffers are rounded, perf event arrays have a slot per CPU, 0 is refused', () => {
    const object = relocated(
      'sizes',
      `struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 5000); } events SEC(".maps");
       struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __type(key, int); __type(value, int); } perf SEC(".maps");
       struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, int); __type(value, int); } unsized SEC(".maps");`,
    );
    const error = failure(() => loadObject(object));
    expect(error.code).toBe('MAP_INVALID');
    expect(error.message).toContain("map 'unsized': max_entries is 0; set it in the source");
    const loaded = loadObject(withMaps(object, { unsized: { maxEntries: 3 } }));
    expect(mapInfo(loaded.map('events').fd.number).maxEntries).toBe(8192);
    expect(mapInfo(loaded.map('perf').fd.number).maxEntries).toBe(possibleCpus());
    loaded.close();
  });

  test('a map of maps and a prog array have their slots filled', () => {
    const object = relocated(
      'slots',
      `struct inner { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, int); } in0 SEC(".maps");
       struct { __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 2); __type(key, int);
         __array(values, struct inner); } outer SEC(".maps") = { .values = { [1] = &in0 } };
       SEC("xdp") int tail(struct xdp_md *ctx) { return 33; }
       struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 3); __uint(key_size, 4);
         __array(values, int (void *)); } jumps SEC(".maps") = { .values = { [2] = (void *)&tail } };
       SEC("xdp") int start(struct xdp_md *ctx) {
         int one = 1, nil = 0; void *in = bpf_map_lookup_elem(&outer, &one);
         if (!in) return 1;
         int *v = bpf_map_lookup_elem(in, &nil);
         if (!v) return 2;
         if (*v != 77) return 3;
         bpf_tail_call(ctx, &jumps, 2);
         return 4;
       }`,
    );
    const loaded = loadObject(object, { programs: ['start'] });
    expect(loaded.programs.map(({ spec, asked }) => [spec.name, asked])).toEqual([
      ['tail', false],
      ['start', true],
    ]);
    const run = () => testRun(loaded.program('start').fd.number, { data: new Uint8Array(64) }).returnValue;
    expect(run()).toBe(3);
    mapUpdate(loaded.map('in0').fd.number, word(0), word(77));
    expect(run()).toBe(33);
    loaded.close();
  });

  test('a further map is bound first', () => {
    const card = mapCreate({ map_type: 2, key_size: 4, value_size: 4, max_entries: 1, map_name: 'card' });
    const loaded = loadObject(relocated('globals', globals), { boundMaps: [card] });
    for (const { fd } of loaded.programs) {
      expect(programInfo(fd.number).mapIds[0]).toBe(mapInfo(card).id);
    }
    loaded.close();
    closeFd(card);
  });

  test('the address of a kernel symbol is what the running kernel says', () => {
    const loaded = loadObject(
      relocated(
        'ksym',
        `extern const void bpf_prog_put __ksym;
         extern const void no_such_symbol __ksym __weak;
         unsigned long long address;
         SEC("socket") int p(void *ctx) { address = (unsigned long long)&bpf_prog_put; return &no_such_symbol ? 1 : 2; }`,
      ),
    );
    expect(testRun(loaded.program('p').fd.number, { data: new Uint8Array(64) }).returnValue).toBe(2);
    const value = new Uint8Array(8);
    mapLookup(loaded.map('.bss').fd.number, word(0), value);
    const line = readFileSync('/proc/kallsyms', 'utf8')
      .split('\n')
      .find((text) => text.endsWith(' bpf_prog_put'));
    expect(new DataView(value.buffer).getBigUint64(0, true)).toBe(BigInt(`0x${line!.split(' ')[0]}`));
    loaded.close();
  });
});

/** Remove what a test pinned; `*.debug` are the kernel's own. */
function clear(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const file = path.join(directory, entry.name);
    if (entry.isDirectory()) {
      clear(file);
      rmdirSync(file);
    } else if (!entry.name.endsWith('.debug')) unlinkSync(file);
  }
}

function word(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}
