import { expect, test } from 'vitest';
import { compile } from '../../../../../tools/testing/compile';
import { Btf, BtfKind } from '../../btf';
import { ElfFile } from '../../elf';
import { resolveKconfig } from './kconfig';

const elf = ElfFile.parse(
  compile(`
    enum libbpf_tristate { TRI_NO, TRI_YES, TRI_MODULE }; enum other { A };
    _Bool flag; char letter; signed char small; unsigned char byte; int i32; unsigned short u16;
    unsigned long long u64; long long i64; enum libbpf_tristate tri; char text[6]; int numbers[2]; enum other other;
  `),
  { object: 'x.o' },
);
const btf = Btf.parse(elf.section('.BTF')!.data);

function value(
  variable: string,
  text: string | undefined,
  littleEndian = true,
  name = 'CONFIG_X',
): number[] | string {
  const typeId = btf.type(btf.find(variable, BtfKind.VAR));
  const extern = { name, section: '.kconfig' as const, weak: false, function: false, typeId, offset: 0 };
  const kconfig = new Map(text === undefined ? [['CONFIG_Y', 'y']] : [['CONFIG_X', text]]);
  const target = {
    btf: () => btf,
    kconfig: () => kconfig,
    virtual: () => 0x060100n,
  };
  const result = resolveKconfig(btf, extern, target, littleEndian);
  return 'bytes' in result ? [...result.bytes] : result.problem;
}

test.each<[string, string, number[]]>([
  ['flag', 'y', [1]],
  ['flag', 'n', [0]],
  ['flag', '1', [1]],
  ['flag', '0', [0]],
  ['tri', 'y', [1, 0, 0, 0]],
  ['tri', 'm', [2, 0, 0, 0]],
  ['tri', 'n', [0, 0, 0, 0]],
  ['letter', 'm', [0x6d]],
  ['small', '-128', [0x80]],
  ['byte', '255', [255]],
  ['i32', '-2', [0xfe, 0xff, 0xff, 0xff]],
  ['u16', '0xffff', [0xff, 0xff]],
  ['u16', '010', [8, 0]],
  ['u64', '0xffffffff80000000', [0, 0, 0, 0x80, 0xff, 0xff, 0xff, 0xff]],
  ['i64', '0xffffffff80000000', [0, 0, 0, 0x80, 0xff, 0xff, 0xff, 0xff]],
  ['text', '"abc"', [0x61, 0x62, 0x63, 0, 0, 0]],
  ['text', '"abcdefgh"', [0x61, 0x62, 0x63, 0x64, 0x65, 0]],
  ['text', '""', [0, 0, 0, 0, 0, 0]],
])('%s = %s', (variable, text, bytes) => {
  expect(value(variable, text)).toEqual(bytes);
});

test.each<[string, string, string]>([
  ['flag', 'm', 'no bool can say'],
  ['flag', '2', 'is neither 0 nor 1, the extern is bool'],
  ['tri', '1', 'is a number, the extern is enum libbpf_tristate'],
  ['i32', 'y', 'use bool, char or enum'],
  ['small', '128', '128 does not fit into char'],
  ['i32', '2147483648', 'does not fit into a signed integer of 4 bytes'],
  ['u16', '-1', 'does not fit into an unsigned integer of 2 bytes'],
  ['u64', '0x10000000000000000', 'is no number'],
  ['u64', '12x', 'is no number'],
  ['i32', '"5"', 'is text'],
  ['text', '5', 'the extern is char[6]'],
  ['text', '"', 'no closing quote'],
  ['numbers', '5', "can be 'int[2]'"],
  ['other', '5', "can be 'enum other'"],
])('%s = %s is refused', (variable, text, problem) => {
  expect(value(variable, text)).toContain(problem);
});

test('a big-endian object gets big-endian numbers', () => {
  expect(value('u16', '258', false)).toEqual([1, 2]);
  expect(value('tri', 'm', false)).toEqual([0, 0, 0, 2]);
});

test('what is not set is a problem, and so is a name that means nothing', () => {
  expect(value('flag', undefined)).toContain('not set');
  expect(value('i32', 'y', true, 'LINUX_KERNEL_VERSION')).toEqual([0, 1, 6, 0]);
  expect(value('i32', 'y', true, 'LINUX_NONSENSE')).toContain('no name of a configuration value');
});
