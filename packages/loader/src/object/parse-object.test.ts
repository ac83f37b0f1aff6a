import { describe, expect, test } from 'vitest';
import { compile } from '../../../../tools/testing/compile';
import { disassemble } from '../asm';
import { BtfKind } from '../btf';
import { type ObjectSpec } from '.';
import { parseObject } from './parse-object';

/** Something of everything that an object can hold, and nothing whose instructions depend on the byte order. */
const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct flow { __u32 from, to; };

struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, struct flow); __type(value, __u64); __uint(max_entries, 8); }
  flows SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 4); __uint(key_size, 4);
  __array(values, int (void *)); } jumps SEC(".maps");
int next(void *ctx);

int counter;
static int calls[4];
__hidden int quiet = 3;
const volatile int rate = 100;
static const volatile int fixed = 5;
int chosen SEC(".data.mine") = 1;

extern int CONFIG_HZ __kconfig __weak;
extern unsigned int LINUX_KERNEL_VERSION __kconfig;
extern _Bool CONFIG_BPF __kconfig;
extern const void runqueues __ksym;
extern void bpf_rcu_read_lock(void) __ksym;

static int each(void *map, void *key, void *value, void *ctx) { return calls[counter & 3]++; }
static __noinline int step(int by) { calls[by & 3] += by; return calls[2] * 3; }
__noinline int shared(int by) { return counter * by + 1; }

SEC("tc") int count(struct __sk_buff *skb) {
  bpf_rcu_read_lock();
  bpf_for_each_map_elem(&flows, each, 0, 0);
  bpf_tail_call(skb, &jumps, 1);
  if (CONFIG_BPF) counter += LINUX_KERNEL_VERSION + CONFIG_HZ;
  return step(counter) + shared(2) + quiet + rate + fixed + chosen + ((long)&runqueues & 1);
}
SEC("?tc") int again(struct __sk_buff *skb) { return count(skb) + step(4); }
SEC("tp_btf/sched_switch") int on_switch(void *ctx) { return 0; }
char license[] SEC("license") = "Dual MIT/GPL";
__u32 version SEC("version") = 0x060102;
`
  .replaceAll('license[]', '_license[]')
  .replaceAll('__u32 version', '__u32 _version');

const little = parseObject(compile(source), { name: 'everything' });

function map(name: string, spec: ObjectSpec = little) {
  return spec.maps.find((candidate) => candidate.name === name)!;
}
function fn(name: string) {
  return little.functions.find((candidate) => candidate.name === name)!;
}
function lines(name: string): string[] {
  const { instructions, references } = fn(name);
  return disassemble(instructions, {
    symbol: (insn) => {
      const reference = references.find((candidate) => candidate.insn === insn);
      if (reference === undefined) return undefined;
      switch (reference.kind) {
        case 'map':
        case 'data':
          return reference.map;
        case 'extern':
          return little.externs[reference.extern]!.name;
        case 'jump-table':
          return undefined;
        default:
          return little.functions[reference.function]!.name;
      }
    },
  });
}

test('the same C for both byte orders gives the same spec', () => {
  const big = parseObject(compile(source, { bigEndian: true }), { name: 'everything' });
  // Contents of data sections are in the byte order of the machine they are for.
  const comparable = ({ btf, maps, ...spec }: ObjectSpec) => ({
    ...spec,
    littleEndian: undefined,
    btf: btf?.bytes,
    maps: maps.map(({ data, ...rest }) => ({ ...rest, data: data?.length })),
  });
  expect(big.littleEndian).toBe(false);
  expect(comparable(big)).toEqual(comparable(little));
  expect([...map('.rodata', big).data!]).toEqual([0, 0, 0, 100, 0, 0, 0, 5]);
  expect([...map('.rodata').data!]).toEqual([100, 0, 0, 0, 5, 0, 0, 0]);
});

test('what the object says about itself', () => {
  expect(little).toMatchObject({
    name: 'everything',
    littleEndian: true,
    license: 'Dual MIT/GPL',
    kernelVersion: 0x060102,
  });
});

test('programs and subprograms', () => {
  expect(little.functions.map(({ name, section, binding }) => [name, section, binding])).toEqual(
    [
      ['each', '.text', 'local'],
      ['step', '.text', 'local'],
      ['shared', '.text', 'global'],
      ['count', 'tc', 'global'],
      ['again', '?tc', 'global'],
      ['on_switch', 'tp_btf/sched_switch', 'global'],
    ].sort((a, b) => order(a[0]!) - order(b[0]!)),
  );
  expect(little.programs).toMatchObject([
    { name: 'count', section: 'tc', autoload: true, type: 3 },
    { name: 'again', section: 'tc', autoload: false, type: 3 },
    { name: 'on_switch', section: 'tp_btf/sched_switch', type: 26, target: 'sched_switch' },
  ]);
  for (const program of little.programs) expect(little.functions[program.function]!.name).toBe(program.name);

  // Which of the functions in .text comes first is the compiler's choice; their offsets must agree with it.
  function order(name: string): number {
    const found = fn(name);
    return ['.text', 'tc', '?tc', 'tp_btf/sched_switch'].indexOf(found.section) * 1e6 + found.offset;
  }
});

describe('references', () => {
  test('a map is loaded by its name', () => {
    expect(lines('count')).toContain('r1 = map[flows]');
    expect(lines('count')).toContain('r2 = map[jumps]');
  });

  test('a variable is loaded by its section and offset, static or global', () => {
    const offset = (name: string) => little.variables.find((variable) => variable.name === name)!.offset;
    expect(lines('count').join('\n')).toContain(`map[.data][0]+${offset('quiet')}`);
    expect(lines('count').join('\n')).toContain(`map[.rodata][0]+${offset('fixed')}`);
    expect(lines('count').join('\n')).toContain(`map[.data.mine][0]+0`);
    expect(lines('step').join('\n')).toContain(`map[.bss][0]+${offset('calls')}`);
    expect(offset('fixed')).toBe(4);
    expect(offset('calls')).toBeGreaterThan(0);
  });

  test('functions are called and pointed to, static or global, from either section', () => {
    expect(lines('count')).toEqual(expect.arrayContaining(['r2 = func[each]', 'call step', 'call shared']));
    expect(lines('again')).toContain('call step');
  });

  test('externs', () => {
    expect(lines('count')).toContain('call bpf_rcu_read_lock');
    expect(lines('count').filter((line) => line.endsWith('= CONFIG_BPF'))).toHaveLength(1);
  });

  test('every load of an address and every call of a function has its reference', () => {
    for (const { instructions, references } of little.functions) {
      const open = disassemble(instructions, { symbol: () => undefined });
      const told = references.filter((reference) => reference.kind !== 'extern').length;
      expect(open.filter((line) => /map\[|func\[|call pc[+-]\d+$/.test(line))).toHaveLength(
        told +
          references.filter(
            (reference) => reference.kind === 'extern' && isCall(instructions, reference.insn),
          ).length,
      );
    }
    function isCall(instructions: Uint8Array, insn: number): boolean {
      return instructions[insn * 8] === 0x85;
    }
  });
});

test('data sections become maps', () => {
  expect(map('.bss')).toMatchObject({
    kernelName: 'everythi.bss',
    type: 2,
    valueSize: 20,
    data: undefined,
    frozen: false,
  });
  // Mapping into memory is asked for where a variable is neither static nor hidden.
  expect(map('.bss').flags).toBe(1 << 10);
  expect(map('.data')).toMatchObject({ flags: 0, valueSize: 4, maxEntries: 1, keySize: 4 });
  expect(map('.rodata')).toMatchObject({ flags: (1 << 7) | (1 << 10), frozen: true, valueSize: 8 });
  expect(map('.data.mine')).toMatchObject({ kernelName: '.data.mine', origin: 'data' });
  expect(little.btf!.name(map('.rodata').valueTypeId)).toBe('.rodata');
  expect(little.maps.map((each) => each.origin)).toEqual([
    'btf',
    'btf',
    'data',
    'data',
    'data',
    'data',
    'kconfig',
  ]);
});

test('variables have the place, type and visibility of their symbol', () => {
  expect(
    little.variables.map(({ name, map: section, binding, hidden }) => [name, section, binding, hidden]),
  ).toEqual(
    expect.arrayContaining([
      ['counter', '.bss', 'global', false],
      ['calls', '.bss', 'local', false],
      ['quiet', '.data', 'global', true],
      ['rate', '.rodata', 'global', false],
      ['chosen', '.data.mine', 'global', false],
    ]),
  );
  const calls = little.variables.find(({ name }) => name === 'calls')!;
  expect(calls.size).toBe(16);
  expect(little.btf!.kind(calls.typeId)).toBe(BtfKind.ARRAY);
});

test('data sections of the types are laid out as the symbols say, and sorted', () => {
  const btf = little.btf!;
  for (const section of ['.bss', '.rodata', '.maps', '.data.mine']) {
    const id = btf.find(section, BtfKind.DATASEC);
    const offsets = Array.from({ length: btf.vlen(id) }, (_, i) => btf.secVarOffset(id, i));
    expect([section, offsets]).toEqual([section, offsets.slice().sort((a, b) => a - b)]);
    expect(new Set(offsets).size).toBe(offsets.length);
    expect(btf.size(id)).toBe(section === '.maps' ? 56 : map(section).valueSize);
  }
});

test('externs: kconfig is laid out by alignment, size and name; a ksym without a type has none', () => {
  expect(
    little.externs.map(({ name, section, weak, function: isFunction, offset }) => [
      name,
      section,
      weak,
      isFunction,
      offset,
    ]),
  ).toEqual([
    ['CONFIG_BPF', '.kconfig', false, false, 8],
    ['CONFIG_HZ', '.kconfig', true, false, 0],
    ['LINUX_KERNEL_VERSION', '.kconfig', false, false, 4],
    ['bpf_rcu_read_lock', '.ksyms', false, true, 0],
    ['runqueues', '.ksyms', false, false, 0],
  ]);
  expect(map('.kconfig')).toMatchObject({
    kernelName: 'everyth.kconfig',
    valueSize: 9,
    frozen: true,
    data: undefined,
  });
  expect(little.externs.map(({ typeId }) => typeId === 0)).toEqual([false, false, false, false, true]);
});

test('types and lines of functions', () => {
  const btf = little.btf!;
  for (const each of little.functions) {
    expect(btf.kind(each.typeId)).toBe(BtfKind.FUNC);
    expect(btf.name(each.typeId)).toBe(each.name);
    expect(each.lineInfo[0]).toBe(0);
    expect(each.lineInfo.length % 4).toBe(0);
  }
  const { lineInfo } = fn('step');
  expect(btf.string(lineInfo[2]!)).toContain('static __noinline int step(int by)');
});

test('CO-RE records go to their function', () => {
  const spec = parseObject(
    compile(`
      struct task_struct { int pid; int tgid; } __attribute__((preserve_access_index));
      static __attribute__((noinline)) int tgid(struct task_struct *t) { return t->tgid; }
      __attribute__((section("raw_tp/x"))) int p(struct task_struct *t) { return t->pid + tgid(t); }`),
    { name: 'core' },
  );
  expect(spec.functions.map(({ name, coreRelocations }) => [name, coreRelocations.length])).toEqual([
    ['tgid', 4],
    ['p', 4],
  ]);
  for (const { coreRelocations, instructions } of spec.functions)
    expect(instructions[coreRelocations[0]! * 8]).toBe(0x61);
});

test('an object without BTF has its programs, data sections and externs all the same', () => {
  const spec = parseObject(
    compile(
      `int seen; extern int unknown(void);
       __attribute__((section("xdp"))) int p(void *ctx) { return seen++ + unknown(); }`,
      { debug: false },
    ),
    { name: 'bare' },
  );
  expect(spec).toMatchObject({
    btf: undefined,
    license: '',
    kernelVersion: 0,
    maps: [{ name: '.bss', valueTypeId: 0, flags: 0 }],
    programs: [{ name: 'p' }],
    externs: [{ name: 'unknown', section: undefined, function: true, typeId: 0 }],
    variables: [{ name: 'seen', typeId: 0 }],
  });
});

test('string literals are a section of their own', () => {
  const spec = parseObject(
    compile(`
      static long (*print)(const char *, int) = (void *)6;
      __attribute__((section("xdp"))) int p(void *ctx) { print("hello", 6); print("and again", 10); return 0; }`),
    { name: 's' },
  );
  expect(spec.maps).toMatchObject([
    { name: '.rodata.str1.1', kernelName: '.rodata.str1.1', valueTypeId: 0, flags: 1 << 7 },
  ]);
  expect(spec.functions[0]!.references.map((reference) => reference.kind)).toEqual(['data', 'data']);
  expect(spec.variables).toEqual([]);
});

test('static functions of sections that stand for no program are subprograms', () => {
  const spec = parseObject(
    compile(`
      static __attribute__((section("helpers"), noinline)) int help(int x) { return x * 3; }
      __attribute__((section("xdp"))) int p(int *ctx) { return help(*ctx); }`),
    { name: 's' },
  );
  expect(spec.programs.map(({ name }) => name)).toEqual(['p']);
  expect(spec.functions[spec.programs[0]!.function]!.references).toMatchObject([{ kind: 'call' }]);
});
