import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { closeFd, openPin, programCode } from '@nx-bpf/loader';
import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { RelocationCache } from '../cache';
import { rawLoad, type RawLoad } from './raw-load';
import { rawUnload } from './raw-unload';

const head = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
`;
const counter = (answer: number): string => `${head}
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, int); __type(value, long); } hits SEC(".maps");
const volatile int limit = 3;
SEC("socket") int one(void *ctx) { int key = limit; return bpf_map_lookup_elem(&hits, &key) ? ${answer} : 0; }
SEC("?xdp") int two(void *ctx) { return 2; }
`;

kernelSuite('a file that was loaded before', (kernel) => {
  let count = 0;
  const folder = (): string => path.join(kernel.directory, `cache-${count++}`);

  /** An object that is older than the tick of a file system's clock. */
  function object(name: string, source: string): string {
    const file = kernel.compile(source, { name });
    setBack(file);
    return file;
  }

  async function load(file: string, cache: string): Promise<RawLoad> {
    const directory = path.join(kernel.bpffs, 'raw');
    const result = await rawLoad(file, {
      directory,
      programs: undefined,
      cache: new RelocationCache(cache),
      attach: false,
    });
    rawUnload(directory);
    return result;
  }

  /** What is the same whenever an object is loaded. */
  const lasting = ({ programs, maps }: RawLoad) => ({ programs, maps });

  test('is loaded from its image: nothing is read, parsed or relocated, and the result is the same', async () => {
    const cache = folder();
    const file = object('same', counter(71));
    const first = await load(file, cache);
    expect(first.cache).toBe('miss');
    expect(fs.readdirSync(cache).some((name) => name.endsWith('.recall'))).toBe(true);
    const second = await load(file, cache);
    expect(second).toMatchObject({ cache: 'hit', elapsedUs: { parse: 0, relocate: 0 } });
    expect(lasting(second)).toEqual(lasting(first));
    // Without what was kept, from the relocation cache.
    for (const name of fs.readdirSync(cache)) if (name.endsWith('.recall')) fs.rmSync(path.join(cache, name));
    const third = await load(file, cache);
    expect(third.cache).toBe('hit');
    expect(lasting(third)).toEqual(lasting(first));
  });

  test('is read again when it changed, though size and time of change were put back', async () => {
    const cache = folder();
    const file = object('changed', counter(71));
    const first = await load(file, cache);
    const { atime, mtime, size } = fs.statSync(file);
    kernel.compile(counter(73), { name: 'changed' });
    expect(fs.statSync(file).size).toBe(size);
    fs.utimesSync(file, atime, mtime);
    const second = await load(file, cache);
    expect(second.cache).toBe('miss');
    expect(second.programs[0]!.insnsSha256).not.toBe(first.programs[0]!.insnsSha256);
  });

  test('is not taken for unchanged when it was written a moment before it was loaded', async () => {
    const cache = folder();
    const file = kernel.compile(counter(71), { name: 'fresh' });
    fs.utimesSync(file, new Date(), new Date());
    await load(file, cache);
    expect((await load(file, cache)).cache).toBe('hit');
  });

  test('a changed byte of what is kept is noticed, wherever it is: then the file is loaded as if new', async () => {
    const cache = folder();
    const file = object('damaged', counter(71));
    const first = await load(file, cache);
    const kept = path.join(
      cache,
      fs.readdirSync(cache).find((name) => name.endsWith('.recall'))!,
    );
    const whole = fs.readFileSync(kept);
    for (let at = 0; at < whole.length; at += Math.floor(whole.length / 40)) {
      const damaged = Buffer.from(whole);
      damaged[at]! ^= 0x20;
      fs.writeFileSync(kept, damaged);
      expect(lasting(await load(file, cache))).toEqual(lasting(first));
      expect(fs.readFileSync(kept).equals(whole)).toBe(true);
    }
    fs.writeFileSync(kept, whole.subarray(0, 50));
    expect(lasting(await load(file, cache))).toEqual(lasting(first));
  });

  test('maps that are pinned already are used, as without an image', async () => {
    const cache = folder();
    const file = object('pinned', counter(71));
    await load(file, cache);
    const directory = path.join(kernel.bpffs, 'raw');
    const options = { directory, programs: undefined, cache: new RelocationCache(cache), attach: false };
    const first = await rawLoad(file, options);
    fs.rmSync(path.join(directory, 'one'));
    fs.rmSync(path.join(directory, 'maps/pinned_rodata'));
    const second = await rawLoad(file, options);
    expect(second.maps).toEqual(first.maps);
    rawUnload(directory);
  });

  test('every kernel symbol moved between two loads: a hit, with the new addresses', async () => {
    const cache = folder();
    const file = object(
      'ksyms',
      `${head} extern const void bpf_prog_put __ksym; extern const void bpf_map_put __ksym;
       SEC("socket") int one(void *ctx) { return ((unsigned long)&bpf_prog_put ^ (unsigned long)&bpf_map_put) & 0xff; }`,
    );
    const addresses = async (): Promise<{ cache: string; found: bigint[] }> => {
      const directory = path.join(kernel.bpffs, 'ksyms');
      const result = await rawLoad(file, {
        directory,
        programs: undefined,
        cache: new RelocationCache(cache),
        attach: false,
      });
      const fd = openPin(path.join(directory, 'one'), 'program');
      const { instructions } = programCode(fd);
      closeFd(fd);
      rawUnload(directory);
      return { cache: result.cache, found: wideLoads(instructions).sort() };
    };
    const text = fs.readFileSync('/proc/kallsyms', 'utf8');
    const before = await addresses();
    expect(before.cache).toBe('miss');
    expect(before.found).toEqual(symbols(text));

    const moved = text.replaceAll(/^[0-9a-f]+/gm, (address) =>
      (BigInt(`0x${address}`) + 0x1200000n).toString(16).padStart(16, '0'),
    );
    const elsewhere = path.join(kernel.directory, 'kallsyms');
    fs.writeFileSync(elsewhere, moved);
    expect(spawnSync('mount', ['--bind', elsewhere, '/proc/kallsyms']).status).toBe(0);
    try {
      const after = await addresses();
      expect(after.cache).toBe('hit');
      expect(after.found).toEqual(before.found.map((address) => address + 0x1200000n));
    } finally {
      spawnSync('umount', ['/proc/kallsyms']);
    }
  });

  test('CO-RE from the cache: the types of the kernel are not asked for', async () => {
    const cache = folder();
    const file = object(
      'core',
      `${head} struct task_struct { int pid; } __attribute__((preserve_access_index));
       SEC("kprobe/x") int one(void *ctx) { return __builtin_preserve_field_info(((struct task_struct *)ctx)->pid, 0) & 1; }`,
    );
    const first = await load(file, cache);
    const second = await load(file, cache);
    expect(second.cache).toBe('hit');
    expect(second.programs).toEqual(first.programs);
  });
});

/** Lets a file be as old as one that somebody built a while ago: its status changes now, so this waits. */
function setBack(file: string): void {
  const past = new Date(Date.now() - 60_000);
  fs.utimesSync(file, past, past);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150);
}

function symbols(text: string): bigint[] {
  return ['bpf_prog_put', 'bpf_map_put']
    .map((name) => {
      const line = text.split('\n').find((each) => each.endsWith(` ${name}`))!;
      return BigInt(`0x${line.split(' ')[0]}`);
    })
    .sort();
}

/** The 64-bit immediates of a program, in order. */
function wideLoads(instructions: Uint8Array): bigint[] {
  const view = new DataView(instructions.buffer, instructions.byteOffset, instructions.byteLength);
  const found: bigint[] = [];
  for (let at = 0; at + 16 <= instructions.length; at += 8) {
    if (instructions[at] !== 0x18) continue;
    found.push((BigInt(view.getUint32(at + 12, true)) << 32n) | BigInt(view.getUint32(at + 4, true)));
    at += 8;
  }
  return found;
}
