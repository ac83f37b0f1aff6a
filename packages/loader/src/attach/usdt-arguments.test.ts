import { describe, expect, test } from 'vitest';
import { EM_AARCH64, EM_X86_64 } from '../elf';
import { BpfError } from '../errors';
import { parseUsdtArguments, type UsdtArgument } from './usdt-arguments';

const x64 = (text: string): UsdtArgument[] => parseUsdtArguments(text, EM_X86_64);
const arm64 = (text: string): UsdtArgument[] => parseUsdtArguments(text, EM_AARCH64);

describe('x86-64', () => {
  test.each<[string, UsdtArgument]>([
    ['-4@$-9', { size: 4, signed: true, place: { kind: 'constant', value: -9n } }],
    ['8@$0xff', { size: 8, signed: false, place: { kind: 'constant', value: 255n } }],
    ['8@%rdi', { size: 8, signed: false, place: { kind: 'register', register: 112 } }],
    ['1@%sil', { size: 1, signed: false, place: { kind: 'register', register: 104 } }],
    ['-2@%r9w', { size: 2, signed: true, place: { kind: 'register', register: 64 } }],
    ['-4@-1204(%rbp)', { size: 4, signed: true, place: { kind: 'memory', register: 32, offset: -1204n } }],
    ['8@(%rax)', { size: 8, signed: false, place: { kind: 'memory', register: 80, offset: 0n } }],
    ['8f@8(%rsp)', { size: 8, signed: false, place: { kind: 'memory', register: 152, offset: 8n } }],
    [
      '-4@4(%rdi,%rsi,8)',
      { size: 4, signed: true, place: { kind: 'indexed', register: 112, index: 104, scale: 8, offset: 4n } },
    ],
    [
      '8@(%r10,%rcx)',
      { size: 8, signed: false, place: { kind: 'indexed', register: 56, index: 88, scale: 1, offset: 0n } },
    ],
  ])('%s', (text, argument) => {
    expect(x64(text)).toEqual([argument]);
  });

  test('several, with any white space; none', () => {
    expect(x64('  -4@%edi 8@(%rsp)\t1@$7 ').map(({ size }) => size)).toEqual([4, 8, 1]);
    expect(x64('')).toEqual([]);
    expect(x64(' ')).toEqual([]);
  });
});

describe('arm64', () => {
  test.each<[string, UsdtArgument]>([
    ['-4@7', { size: 4, signed: true, place: { kind: 'constant', value: 7n } }],
    ['8@x30', { size: 8, signed: false, place: { kind: 'register', register: 240 } }],
    ['-4@w1', { size: 4, signed: true, place: { kind: 'register', register: 8 } }],
    ['8@sp', { size: 8, signed: false, place: { kind: 'register', register: 248 } }],
    ['-4@[x29, -20]', { size: 4, signed: true, place: { kind: 'memory', register: 232, offset: -20n } }],
    ['8@[sp,#16]', { size: 8, signed: false, place: { kind: 'memory', register: 248, offset: 16n } }],
    ['8@[x8]', { size: 8, signed: false, place: { kind: 'memory', register: 64, offset: 0n } }],
  ])('%s', (text, argument) => {
    expect(arm64(text)).toEqual([argument]);
  });

  test('several, with spaces between brackets', () => {
    expect(arm64('-4@[sp, 12] 8@x0 4@5').map(({ place }) => place.kind)).toEqual([
      'memory',
      'register',
      'constant',
    ]);
  });
});

describe('what cannot be found is refused, by the argument', () => {
  test.each([
    '8@%xmm0',
    '8@counter(%rip)',
    '8@(%rip',
    '8@',
    '@%rax',
    '%rax',
    '3@%rax',
    '16@%rax',
    '8@%rax,%rbx',
    '8@(,%rax,8)',
    '8@(%rax,%rbx,3)',
    '8@$99999999999999999999',
    '8@%fs:8(%rax)',
    '8@[x0]',
    '4@%rax 8@nothing',
  ])('%s', (text) => {
    expect(() => x64(text)).toThrow(expect.objectContaining({ code: 'USDT_UNSUPPORTED' }));
  });

  test.each(['8@[x0, x1]', '8@[x0, 8', '8@%rax', '8@v0', '8@[x0,', '8@x31x', '8@-8(%rbp)'])('%s', (text) => {
    expect(() => arm64(text)).toThrow(expect.objectContaining({ code: 'USDT_UNSUPPORTED' }));
  });

  test('a processor without a table', () => {
    expect(() => parseUsdtArguments('', 22)).toThrow('arguments for machine 22');
  });

  test('any text gives arguments or an error of ours', () => {
    const parts = [
      '8@',
      '-4@',
      '%rax',
      '(',
      ')',
      '[',
      ']',
      ',',
      '$',
      '-',
      '7',
      ' ',
      'x0',
      'sp',
      '0x',
      'f@',
      '@',
      '\0',
    ];
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 1103515245 + 12345) & 0x7fffffff;
      return seed % below;
    };
    for (let i = 0; i < 20_000; i++) {
      const text = Array.from({ length: random(12) }, () => parts[random(parts.length)]).join('');
      for (const parse of [x64, arm64]) {
        try {
          for (const { size } of parse(text)) expect([1, 2, 4, 8]).toContain(size);
        } catch (error) {
          if (!(error instanceof BpfError)) throw error;
          expect(error.code).toBe('USDT_UNSUPPORTED');
        }
      }
    }
    // A text that makes a regular expression go astray.
    expect(() => x64(`8@${'('.repeat(50_000)}`)).toThrow('cannot be found');
    expect(() => x64(`8@${'()'.repeat(50_000)}`)).toThrow('cannot be found');
    expect(() => arm64('8@[x0'.repeat(20_000))).toThrow('cannot be found');
  });
});
