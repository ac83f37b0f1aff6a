import { expect, test } from 'vitest';
import { Btf, BtfBuilder, IntEncoding } from '../btf';
import { effectiveCapabilities, missingCapabilities } from './capabilities';
import { countCpus } from './cpus';
import { errnoName, errnoNumber } from './errno';
import { buildIdOf } from './identity';
import { functionAddresses, functionsAt, kernelFunctions, kernelSymbols } from './kallsyms';
import { parseKernelConfig } from './kconfig';
import { parseMountInfo } from './mounts';
import { readableBtf } from './running-kernel';

test('error numbers and names', () => {
  expect(errnoName(22)).toBe('EINVAL');
  expect(errnoName(524)).toBe('ENOTSUPP');
  expect(errnoName(9999)).toBe('errno 9999');
  expect(errnoNumber('EACCES')).toBe(13);
  expect(errnoNumber('NOPE')).toBe(0);
});

test('a line of mountinfo with optional fields and an escaped space', () => {
  const text = '36 35 98:0 /sub /mnt/a\\040b rw,noatime shared:1 master:2 - bpf bpf rw,mode=700\n\nbroken\n';
  expect(parseMountInfo(text)).toEqual([
    { path: '/mnt/a b', root: '/sub', type: 'bpf', options: ['rw', 'mode=700'] },
  ]);
});

test('the GNU build id is found among other notes, wherever it is', () => {
  const other = '04000000040000000101000058656e00deadbeef';
  const gnu = '040000000400000003000000474e5500cafe0102';
  expect(buildIdOf(Buffer.from(other + gnu, 'hex'))).toBe('cafe0102');
  expect(buildIdOf(Buffer.from(other, 'hex'))).toBeUndefined();
  expect(buildIdOf(Buffer.from(gnu, 'hex').subarray(0, 18))).toBeUndefined();
  expect(buildIdOf(new Uint8Array(0))).toBeUndefined();
});

test('kernel symbols: exact names, modules, duplicates and suffixes of clang', () => {
  const text = Buffer.from(
    [
      'ffffffff81000000 T start',
      'ffffffff81000010 t start_kernel',
      'ffffffff81000020 t twice',
      'ffffffff81000030 t twice',
      'ffffffffa0000000 d in_module\t[mod]',
      'ffffffff81000040 d data.llvm.123',
      '',
    ].join('\n'),
  );
  const symbols = kernelSymbols(['start', 'twice', 'in_module', 'data', 'missing'], text);
  expect([...symbols]).toEqual([
    ['start', [0xffffffff81000000n]],
    ['twice', [0xffffffff81000020n, 0xffffffff81000030n]],
    ['in_module', [0xffffffffa0000000n]],
    ['data', [0xffffffff81000040n]],
  ]);
});

test('functions of the kernel, and which of them an address is in', () => {
  const text = [
    'ffffffff81000020 t second',
    'ffffffff81000010 T first',
    'ffffffff81000010 T alias_of_first',
    'ffffffff81000018 D data',
    '0000000000001000 A per_cpu',
    'ffffffffa0000000 t in_module.isra.0\t[mod]',
    'ffffffffa0000008 t second',
    '',
  ].join('\n');
  expect([...functionAddresses(new Set(['second', 'data', 'third']), text)]).toEqual([
    ['second', [0xffffffff81000020n, 0xffffffffa0000008n]],
  ]);
  expect(kernelFunctions(text)).toEqual(['second', 'first', 'alias_of_first', 'in_module.isra.0']);
  const places = [0xffffffff81000010n, 0xffffffff8100001fn, 0xffffffffa0000009n, 0x10n];
  expect([...functionsAt(places, text).values()]).toEqual(['first', 'first', 'second']);
  const zeros = '0000000000000000 T first\n';
  expect(functionsAt([0xffffffff81000010n], zeros).size).toBe(0);
  expect(() => functionAddresses(new Set(['first']), zeros)).toThrow('CAP_SYSLOG');
});

test('zeros instead of addresses name the capability', () => {
  const hidden = Buffer.from('0000000000000000 T start\n');
  expect(() => kernelSymbols(['start'], hidden)).toThrow('CAP_SYSLOG');
});

test('configuration: values as written, comments passed over', () => {
  const text = '# CONFIG_A is not set\nCONFIG_HZ=250\nCONFIG_CC="gcc = 12"\nnonsense\n';
  expect([...parseKernelConfig(text)]).toEqual([
    ['CONFIG_HZ', '250'],
    ['CONFIG_CC', '"gcc = 12"'],
  ]);
});

test('possible CPUs are counted, gaps are not', () => {
  expect(countCpus('0\n')).toBe(1);
  expect(countCpus('0-3\n')).toBe(4);
  expect(countCpus('0-1,8,16-31')).toBe(19);
  expect(() => countCpus('all')).toThrow("'all'");
});

test('CAP_SYS_ADMIN stands for CAP_BPF and CAP_PERFMON, but not for CAP_NET_ADMIN', () => {
  const admin = effectiveCapabilities('CapInh:\t0\nCapEff:\t0000000000200000\n');
  expect([...admin]).toEqual(['CAP_SYS_ADMIN']);
  const have = { effective: admin, userNamespace: false };
  expect(missingCapabilities(['CAP_BPF', 'CAP_PERFMON', 'CAP_NET_ADMIN'], have)).toEqual(['CAP_NET_ADMIN']);
});

test('types of a module that cannot be read are none; readable ones stand on their base', () => {
  const builder = new BtfBuilder();
  builder.int('int', 4, IntEncoding.SIGNED);
  const base = Btf.parse(builder.build());
  expect(readableBtf(new Uint8Array(40), base)).toBeUndefined();
  expect(readableBtf(base.bytes.subarray(0, 30), base)).toBeUndefined();
  expect(readableBtf(new BtfBuilder().build(), base)?.endId).toBe(base.endId);
});
