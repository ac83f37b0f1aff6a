import { BtfBuilder, decodeValue, IntEncoding, Btf } from '@nx-bpf/loader';
import { expect, test } from 'vitest';
import { jsonWriter } from './json-writer';
import { valueJson, valueText } from '../maps';

const builder = new BtfBuilder();
const types = {
  u8: builder.int('unsigned char', 1, 0),
  s16: builder.int('short', 2, IntEncoding.SIGNED),
  u32: builder.int('unsigned int', 4, 0),
  s64: builder.int('long', 8, IntEncoding.SIGNED),
  u64: builder.int('unsigned long', 8, 0),
  bool: builder.int('_Bool', 1, IntEncoding.BOOL),
  char: builder.int('char', 1, IntEncoding.CHAR),
  verdict: builder.enum('verdict', 4, [
    { name: 'PASS', value: 0 },
    { name: 'DROP', value: 7 },
  ]),
};
const text = builder.array(types.char, types.u32, 8);
const inner = builder.struct('inner', 16, [
  { name: 'big', type: types.u64, bitOffset: 0 },
  { name: 'small', type: types.s64, bitOffset: 64 },
]);
const outer = builder.struct('outer', 48, [
  { name: 'inner', type: inner, bitOffset: 0 },
  { name: 'comm', type: text, bitOffset: 128 },
  { name: 'verdict', type: types.verdict, bitOffset: 192 },
  { name: 'port', type: types.s16, bitOffset: 224 },
  { name: 'flag', type: types.bool, bitOffset: 240 },
  { name: 'byte', type: types.u8, bitOffset: 248 },
  { name: 'count', type: types.u32, bitOffset: 256 },
]);
const btf = Btf.parse(builder.build());

/** As the writer and as the decoder see the same bytes. */
function both(typeId: number, bytes: Uint8Array): [string, string] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return [jsonWriter(btf, typeId)(bytes, view, 0), valueJson(decodeValue(btf, typeId, bytes, 0))];
}

test('the text is that of the decoded value, whatever the bytes', () => {
  let seed = 1;
  const next = (): number => (seed = (seed * 48271) % 0x7fffffff) & 0xff;
  for (let round = 0; round < 500; round++) {
    const bytes = Uint8Array.from({ length: 48 }, () => (next() < 128 ? 0 : next()));
    for (const typeId of [...Object.values(types), inner, outer]) {
      const [written, decoded] = both(typeId, bytes);
      expect(written).toBe(decoded);
      expect(() => JSON.parse(written) as unknown).not.toThrow();
    }
  }
});

test('64 bits keep their digits', () => {
  const bytes = new Uint8Array(16).fill(0xff);
  expect(both(inner, bytes)[0]).toBe('{"big":"18446744073709551615","small":-1}');
  bytes[15] = 0x80;
  expect(both(inner, bytes)[0]).toBe('{"big":"18446744073709551615","small":"-9151314442816847873"}');
});

test('for people', () => {
  expect(valueText({ a: 1n << 60n, b: ['x', true], c: Uint8Array.of(1, 255), d: {} })).toBe(
    '{ a: 1152921504606846976, b: ["x", true], c: 01 ff, d: {} }',
  );
});
