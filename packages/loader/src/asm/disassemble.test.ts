import { expect, test } from 'vitest';
import { compile } from '../../../../tools/testing/compile';
import { ElfFile } from '../elf';
import { toCanonical } from './canonical';
import { disassemble } from './disassemble';
import { helperNames } from './helpers';

const bytes = (text: string) => Uint8Array.from(text.split(' '), (byte) => parseInt(byte, 16));
const one = (text: string) => disassemble(bytes(text));

test.each([
  ['61 21 04 00 00 00 00 00', 'r1 = *(u32 *)(r2 +4)'],
  ['91 21 f8 ff 00 00 00 00', 'r1 = *(s8 *)(r2 -8)'],
  ['7b 1a f8 ff 00 00 00 00', '*(u64 *)(r10 -8) = r1'],
  ['62 0a fc ff 07 00 00 00', '*(u32 *)(r10 -4) = 7'],
  ['07 02 00 00 fc ff ff ff', 'r2 += -4'],
  ['0c 21 00 00 00 00 00 00', 'w1 += w2'],
  ['b4 00 00 00 02 00 00 00', 'w0 = 2'],
  ['bf a2 00 00 00 00 00 00', 'r2 = r10'],
  ['bf 21 08 00 00 00 00 00', 'r1 = (s8)r2'],
  ['bc 21 10 00 00 00 00 00', 'w1 = (s16)w2'],
  ['bf 21 20 00 00 00 00 00', 'r1 = (s32)r2'],
  ['bf 21 01 00 00 00 01 00', 'r1 = addr_space_cast(r2, 1, 0)'],
  ['bf 21 ff ff 00 00 00 00', 'r1 = &(void __percpu *)(r2)'],
  ['c2 00 00 00 00 00 00 00', 'nospec'],
  ['c7 01 00 00 20 00 00 00', 'r1 s>>= 32'],
  ['3f 21 01 00 00 00 00 00', 'r1 s/= r2'],
  ['94 01 01 00 03 00 00 00', 'w1 s%= 3'],
  ['37 01 00 00 03 00 00 00', 'r1 /= 3'],
  ['87 01 00 00 00 00 00 00', 'r1 = -r1'],
  ['84 01 00 00 00 00 00 00', 'w1 = -w1'],
  ['dc 01 00 00 10 00 00 00', 'r1 = be16 r1'],
  ['d4 01 00 00 40 00 00 00', 'r1 = le64 r1'],
  ['d7 01 00 00 20 00 00 00', 'r1 = bswap32 r1'],
  ['05 00 03 00 00 00 00 00', 'goto pc+3'],
  ['06 00 00 00 fd ff ff ff', 'gotol pc-3'],
  ['e5 00 02 00 00 00 00 00', 'may_goto pc+2'],
  ['0d 01 00 00 00 00 00 00', 'gotox r1'],
  ['15 00 02 00 00 00 00 00', 'if r0 == 0x0 goto pc+2'],
  ['16 01 02 00 ff ff ff ff', 'if w1 == 0xffffffff goto pc+2'],
  ['cd 21 fe ff 00 00 00 00', 'if r1 s< r2 goto pc-2'],
  ['4d 21 01 00 00 00 00 00', 'if r1 & r2 goto pc+1'],
  ['85 00 00 00 01 00 00 00', 'call bpf_map_lookup_elem#1'],
  ['85 00 00 00 0f 27 00 00', 'call unknown#9999'],
  ['85 10 00 00 05 00 00 00', 'call pc+5'],
  ['85 20 00 00 2a 00 00 00', 'call kernel-function#42'],
  ['95 00 00 00 00 00 00 00', 'exit'],
  ['db 21 08 00 00 00 00 00', 'lock *(u64 *)(r1 +8) += r2'],
  ['c3 21 00 00 a0 00 00 00', 'lock *(u32 *)(r1 +0) ^= r2'],
  ['db 21 00 00 01 00 00 00', 'r2 = atomic64_fetch_add((u64 *)(r1 +0), r2)'],
  ['c3 21 00 00 51 00 00 00', 'r2 = atomic_fetch_and((u32 *)(r1 +0), r2)'],
  ['db 21 00 00 e1 00 00 00', 'r2 = atomic64_xchg((u64 *)(r1 +0), r2)'],
  ['db 21 00 00 f1 00 00 00', 'r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)'],
  ['d3 21 00 00 00 01 00 00', 'r1 = load_acquire((u8 *)(r2 +0))'],
  ['cb 21 04 00 10 01 00 00', 'store_release((u16 *)(r1 +4), r2)'],
  ['30 00 00 00 17 00 00 00', 'r0 = *(u8 *)skb[23]'],
  ['48 10 00 00 0e 00 00 00', 'r0 = *(u16 *)skb[r1 + 14]'],
])('%s is %s', (text, line) => {
  expect(one(text)).toEqual([line]);
});

test.each([
  'ff 01 02 03 04 05 06 07',
  '8f 01 00 00 00 00 00 00',
  'db 21 00 00 99 00 00 00',
  'f7 01 00 00 00 00 00 00',
])('no kernel knows %s', (text) => {
  expect(one(text)).toEqual([`unknown ${text}`]);
});

test('every opcode byte gives exactly one line', () => {
  for (let code = 0; code < 256; code++) {
    const lines = disassemble(Uint8Array.of(code, 0, 0, 0, 0, 0, 0, 0));
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain('undefined');
  }
});

test.each([
  ['18 01', '05 00 00 00', '00 00 00 00', 'r1 = 0x5'],
  ['18 01', 'ff ff ff ff', 'ff ff ff ff', 'r1 = 0xffffffffffffffff'],
  ['18 11', '05 00 00 00', '00 00 00 00', 'r1 = map[fd:5]'],
  ['18 21', '05 00 00 00', '10 00 00 00', 'r1 = map[fd:5][0]+16'],
  ['18 31', '07 00 00 00', '00 00 00 00', 'r1 = btf_id:7'],
  ['18 41', 'fe ff ff ff', '00 00 00 00', 'r1 = func[pc-2]'],
])('ld_imm64 %s', (head, low, high, line) => {
  expect(one(`${head} 00 00 ${low} 00 00 00 00 ${high}`)).toEqual([line]);
});

test('half of an ld_imm64 at the end is unknown', () => {
  expect(one('18 01 00 00 05 00 00 00')).toEqual(['unknown 18 01 00 00 05 00 00 00']);
});

test('names in place of numbers, and the slot before each line', () => {
  const insns = bytes(
    '18 21 00 00 00 00 00 00 00 00 00 00 08 00 00 00 85 10 00 00 ff ff ff ff 95 00 00 00 00 00 00 00',
  );
  const names = new Map([
    [0, '.bss'],
    [2, 'count'],
  ]);
  expect(disassemble(insns, { numbers: true, symbol: (i) => names.get(i) })).toEqual([
    '0: (18) r1 = map[.bss][0]+8',
    '2: (85) call count',
    '3: (95) exit',
  ]);
});

test('nothing that clang writes for cpu v4 is unknown, in either byte order', () => {
  const source = `
    long a, b; int c; short d; signed char e;
    __attribute__((section("tc"))) int f(unsigned *ctx) {
      a += d + e; b /= a; b %= 7; c = -c;
      __sync_fetch_and_add(&a, 1); c += __sync_val_compare_and_swap(&b, a, c);
      c ^= __builtin_bswap32(ctx[1]); c += __sync_lock_test_and_set(&a, 4);
      return ctx[0] > 4 ? a < b : (int)b;
    }`;
  const lines = [false, true].map((bigEndian) => {
    const elf = ElfFile.parse(compile(source, { bigEndian, cpu: 'v4' }), { object: 'x.o' });
    return disassemble(toCanonical(elf.section('tc')!.data, elf.littleEndian));
  });
  expect(lines[0]!.filter((line) => line.includes('unknown'))).toEqual([]);
  expect(lines[0]!.some((line) => line.includes('s/='))).toBe(true);
  expect(lines[0]!.some((line) => line.includes('atomic64_cmpxchg'))).toBe(true);
  expect(lines[1]).toEqual(lines[0]);
});

test('helper numbers', () => {
  expect(helperNames[130]).toBe('ringbuf_output');
  expect(helperNames[211]).toBe('cgrp_storage_delete');
  expect(helperNames).toHaveLength(212);
});
