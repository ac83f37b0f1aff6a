import { expect, test } from 'vitest';
import { libraryInCache } from './ld-cache';

/** An /etc/ld.so.cache: names with the flags, the hwcap and the path of each. */
function cacheOf(
  entries: readonly (readonly [name: string, flags: number, hwcap: bigint, path: string])[],
): Buffer {
  const table = Buffer.alloc(48 + 24 * entries.length);
  table.write('glibc-ld.so.cache1.1');
  table.writeUInt32LE(entries.length, 20);
  const strings: Buffer[] = [];
  let end = table.length;
  const add = (text: string): number => {
    const bytes = Buffer.from(`${text}\0`);
    strings.push(bytes);
    end += bytes.length;
    return end - bytes.length;
  };
  entries.forEach(([name, flags, hwcap, path], i) => {
    const at = 48 + 24 * i;
    table.writeUInt32LE(flags, at);
    table.writeUInt32LE(add(name), at + 4);
    table.writeUInt32LE(add(path), at + 8);
    table.writeBigUInt64LE(hwcap, at + 16);
  });
  return Buffer.concat([table, ...strings]);
}

const cache = cacheOf([
  ['libz.so.1', 0x0003, 0n, '/lib32/libz.so.1'],
  ['libz.so.1', 0x0303, 1n << 62n, '/lib/glibc-hwcaps/x86-64-v3/libz.so.1'],
  ['libz.so.1', 0x0303, 0n, '/lib/x86_64-linux-gnu/libz.so.1'],
  ['libz.so.1', 0x0a03, 0n, '/lib/aarch64-linux-gnu/libz.so.1'],
]);

test('the library of this processor, for every one of its kind', () => {
  expect(libraryInCache(cache, 'libz.so.1', 'x64')).toBe('/lib/x86_64-linux-gnu/libz.so.1');
  expect(libraryInCache(cache, 'libz.so.1', 'arm64')).toBe('/lib/aarch64-linux-gnu/libz.so.1');
  expect(libraryInCache(cache, 'libz.so.1', 'riscv64')).toBeUndefined();
  expect(libraryInCache(cache, 'libz.so', 'x64')).toBeUndefined();
});

test('behind the table of older versions', () => {
  const older = Buffer.concat([Buffer.from('ld.so-1.7.0\0\0\0\0\0'), cache]);
  expect(libraryInCache(older, 'libz.so.1', 'x64')).toBe('/lib/x86_64-linux-gnu/libz.so.1');
});

test('a damaged cache is passed over', () => {
  for (let length = 0; length < cache.length; length++) {
    const found = libraryInCache(cache.subarray(0, length), 'libz.so.1', 'x64');
    expect([undefined, '/lib/x86_64-linux-gnu/libz.so.1', '/lib/glibc-hwcaps/x86-64-v3/libz.so.1']).toContain(
      found,
    );
  }
  const wrong = Buffer.from(cache);
  wrong.writeUInt32LE(0xffffffff, 20);
  wrong.writeUInt32LE(0xfffffff0, 48 + 24 * 2 + 8);
  expect(libraryInCache(wrong, 'libz.so.1', 'x64')).toBeUndefined();
});
