import { expect, test } from 'vitest';
import { compile } from '../../../../tools/testing/compile';
import { BtfKind, type Btf } from '../btf';
import { parseObject } from '../object';
import { btfCodec, bytesCodec, decodeBytes, lpmCodec, perCpuCodec } from './codec';

const source = `
struct traffic { unsigned long long packets; unsigned int bytes; };
struct network { unsigned int prefixlen; unsigned char address[4]; };
struct traffic a; struct network b;`;
const btf = parseObject(compile(source), { name: 'codec' }).btf as Btf;
const traffic = btfCodec("map 'm': value", btf, btf.find('traffic', BtfKind.STRUCT), 16);
const network = btfCodec("map 'm': key", btf, btf.find('network', BtfKind.STRUCT), 8);

test('a struct there and back', () => {
  const bytes = traffic.encode({ packets: 5n, bytes: 7 });
  expect([...bytes]).toEqual([5, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0]);
  expect(decodeBytes(traffic, bytes)).toEqual({ packets: 5, bytes: 7 });
  expect(() => traffic.encode({ bytes: -1 })).toThrow(/map 'm': value.*bytes/);
});

test('a value for each CPU, each rounded up to 8 bytes', () => {
  const codec = perCpuCodec("map 'm': value", bytesCodec("map 'm': value", 4), 2);
  expect(codec.size).toBe(16);
  const bytes = codec.encode([Uint8Array.of(1, 2, 3, 4), Uint8Array.of(5, 6, 7, 8)]);
  expect([...bytes]).toEqual([1, 2, 3, 4, 0, 0, 0, 0, 5, 6, 7, 8, 0, 0, 0, 0]);
  expect(decodeBytes(codec, bytes)).toEqual([Uint8Array.of(1, 2, 3, 4), Uint8Array.of(5, 6, 7, 8)]);
  expect(() => codec.encode([Uint8Array.of(1, 2, 3, 4)])).toThrow(
    "map 'm': value: found a list of 1, expected a list of 2, a value for each possible CPU",
  );
  expect(() => codec.encode(7)).toThrow('found a number');
});

test('a network as text or as the struct it is', () => {
  const codec = lpmCodec(network);
  const key = { prefixlen: 8, address: [10, 0, 0, 0] };
  expect(codec.encode('10.0.0.0/8')).toEqual(codec.encode(key));
  expect(decodeBytes(codec, codec.encode('10.0.0.0/8'))).toEqual(key);
});

test('bytes of the wrong length are refused', () => {
  const codec = bytesCodec("map 'm': key", 4);
  expect(() => codec.encode(new Uint8Array(3))).toThrow(
    "map 'm': key: found 3 bytes, expected a Uint8Array of 4 bytes, since the map has no BTF",
  );
  expect(() => codec.encode(3)).toThrow('found a number');
});
