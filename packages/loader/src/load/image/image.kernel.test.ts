import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../../tools/testing/kernel';
import { closeFd, mapInfo, mapLookup, openPin, programCode, programInfo, runningKernel } from '../../kernel';
import { parseObject } from '../../object';
import { relocateObject, type RelocatedObject } from '../../relocate';
import { loadObject, loadObjectInThreads } from '../load-object';
import { ImageLoad } from './load-image';
import { makeImage } from './make-image';
import { openImage } from './open-image';

const head = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
`;

const source = `${head}
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, int); __type(value, long); } hits SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __type(key, int); __type(value, int); } events SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 5000); } ring SEC(".maps");
const volatile int answer = 41;
const volatile int unused = 3;
int second = 7;
int zero[4];
static __noinline int twice(int x) { return x * 2 + second; }
SEC("xdp") int sum(struct xdp_md *ctx) {
  int key = 1; long *found = bpf_map_lookup_elem(&hits, &key);
  zero[2] += 1;
  return answer + twice(zero[2]) + (found ? *found : 0);
}
SEC("socket") int alone(struct __sk_buff *skb) { int key = 2; long one = 1; bpf_map_update_elem(&hits, &key, &one, 0); return 9; }
SEC("kprobe/x") int probe(void *ctx) { return 0; }
`;

const names = { mapPin: (map: { name: string }) => map.name.replace('.', '_'), programPin: programName };
function programName({ name }: { readonly name: string }): string {
  return name;
}

kernelSuite('load images', (kernel) => {
  function relocated(text: string, name: string): RelocatedObject {
    const bytes = fs.readFileSync(kernel.compile(text, { name }));
    return relocateObject(parseObject(new Uint8Array(bytes), { name }), runningKernel());
  }

  /** What the kernel holds, as far as it is the same for two loads. */
  function held(maps: readonly number[], programs: readonly number[]): unknown {
    const nameOf = new Map(maps.map((fd) => [mapInfo(fd).id, mapInfo(fd).name]));
    return {
      maps: maps.map((fd) => {
        const definition = { ...mapInfo(fd), id: 0, btfId: 0 };
        const value = new Uint8Array(mapInfo(fd).type === 2 ? mapInfo(fd).valueSize : 0);
        if (value.length > 0) mapLookup(fd, new Uint8Array(4), value);
        return { definition, value };
      }),
      programs: programs.map((fd) => {
        const { tag, name, type, mapIds, verifiedInsns } = programInfo(fd);
        const { instructions } = programCode(fd);
        return [
          tag,
          name,
          type,
          mapIds.map((id) => nameOf.get(id)).sort(),
          verifiedInsns,
          instructions.length,
        ];
      }),
    };
  }

  for (const [how, cost] of [
    ['in order', 0],
    ['in threads', 10_000],
  ] as const) {
    test(`${how}: the kernel then holds what loading the object itself makes of it`, async () => {
      const object = relocated(source, 'sample');
      const plain = loadObject(object);
      const image = ImageLoad.of(makeImage(object, { ...names, cost: () => cost })!)!;
      expect(await image.load()).toBe(true);
      expect(held(image.maps, image.programs)).toEqual(
        held(
          plain.maps.map(({ fd }) => fd.number),
          plain.programs.map(({ fd }) => fd.number),
        ),
      );
      const directory = path.join(kernel.bpffs, how.replace(' ', '_'));
      fs.mkdirSync(path.join(directory, 'maps'), { recursive: true });
      expect(image.pin(directory)).toBe(true);
      const pinned = openPin(path.join(directory, 'sum'), 'program');
      expect(programInfo(pinned).id).toBe(programInfo(image.programs[0]!).id);
      closeFd(pinned);
      expect(fs.readdirSync(path.join(directory, 'maps')).sort()).toEqual(
        object.maps.map(names.mapPin).sort(),
      );
      fs.rmSync(directory, { recursive: true });
      image.close();
      plain.close();
    });
  }

  test('a refusal ends it, in threads too, and nothing is left', async () => {
    const bad = relocated(
      `${head} SEC("socket") int good(void *ctx) { return 1; }
       SEC("socket") int bad(int *ctx) { return *(int *)(long)ctx[0]; }`,
      'bad',
    );
    for (const cost of [0, 10_000]) {
      const image = ImageLoad.of(makeImage(bad, { ...names, cost: () => cost })!)!;
      expect(await image.load()).toBe(false);
      image.close();
    }
    const error = await loadObjectInThreads(bad, {}, () => 10_000).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'VERIFIER_REJECTED', fields: { program: 'bad' } });
  });

  test('what loads in threads is what loads in order', async () => {
    const object = relocated(source, 'sample');
    const plain = loadObject(object);
    const threads = await loadObjectInThreads(object, {}, () => 10_000);
    const fds = (loaded: typeof plain) =>
      [loaded.maps.map(({ fd }) => fd.number), loaded.programs.map(({ fd }) => fd.number)] as const;
    expect(held(...fds(threads))).toEqual(held(...fds(plain)));
    threads.close();
    plain.close();
  });

  test('an image reaches nowhere beyond itself, whatever its words say', () => {
    const image = makeImage(relocated(source, 'sample'), { ...names, cost: () => 0 })!;
    expect(openImage(image)).toBeDefined();
    const words = new Int32Array(image.buffer).length;
    const sound: number[] = [];
    for (let i = 0; i < Math.min(words, 150); i++) {
      for (const value of [-1, 0x7fffffff, -0x80000000]) {
        const changed = image.slice();
        new Int32Array(changed.buffer)[i] = value;
        const opened = openImage(changed);
        if (opened !== undefined) sound.push(i);
      }
    }
    // Flags, and how long programs took, are no places: all other words that were tried are noticed.
    for (const word of new Set(sound)) expect(isPlace(image, word), `word ${word}`).toBe(false);
    for (let length = 0; length < image.length; length += 8) {
      expect(openImage(image.slice(0, length))).toBeUndefined();
    }
  });

  test('what takes more than fds has none', () => {
    for (const text of [
      `extern const void bpf_prog_put __ksym; SEC("socket") int p(void *ctx) { return (long)&bpf_prog_put & 1; }`,
      `struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, int); __uint(pinning, 1); } own SEC(".maps");
       SEC("socket") int p(void *ctx) { int key = 0; return bpf_map_lookup_elem(&own, &key) != 0; }`,
    ]) {
      expect(makeImage(relocated(head + text, 'more'), { ...names, cost: () => 0 })).toBeUndefined();
    }
  });
});

/** Whether a word of the front is an offset, a size or a count. */
function isPlace(image: Uint8Array, word: number): boolean {
  const words = new Int32Array(image.buffer);
  const [maps, mapTable, programs, programTable] = [words[7]!, words[8]!, words[9]!, words[10]!];
  if (word < 12) return word !== 3 && word !== 11;
  if (word < mapTable + 6 * maps) return (word - mapTable) % 6 !== 1;
  if (word < programTable + 14 * programs) return (word - programTable) % 14 !== 13;
  return false;
}
