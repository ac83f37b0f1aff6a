import { describe, expect, test } from 'vitest';
import { compile } from '../../../../tools/testing/compile';
import { disassemble, imm, imm64, opcode, slotCount, src } from '../asm';
import { Btf, BtfKind, Linkage } from '../btf';
import { ElfFile } from '../elf';
import { BpfError } from '../errors';
import { type ObjectSpec, parseObject } from '../object';
import { decodeRelocated } from './decode';
import { encodeRelocated } from './encode';
import { relocateObject, type RelocateOptions } from './relocate-object';
import { type RelocatedObject, type RelocatedProgram } from './relocated';
import { type TargetKernel } from './target';

const header = `
  #define SEC(name) __attribute__((section(name), used))
  #define NOINLINE __attribute__((noinline))
  #define WEAK __attribute__((weak))
  #define KSYM __attribute__((section(".ksyms")))
  #define KCONFIG __attribute__((section(".kconfig")))
  #define CORE __attribute__((preserve_access_index))
  #define __uint(name, val) int (*name)[val]
  #define __type(name, val) typeof(val) *name
  #define __array(name, val) typeof(val) *name[]
  typedef unsigned int u32; typedef unsigned long long u64;
  struct { __uint(type, 2); __uint(max_entries, 4); __type(key, u32); __type(value, u64); } hits SEC(".maps");
  static void *(*lookup)(void *map, const void *key) = (void *)1;
  char gpl[] SEC("license") = "GPL";
`;

function parse(source: string): ObjectSpec {
  return parseObject(compile(header + source), { name: 'x' });
}

function kernelTypes(source: string): Btf {
  const elf = ElfFile.parse(compile(source), { object: 'kernel.o' });
  return Btf.parse(elf.section('.BTF')!.data);
}

const untouched: TargetKernel = {
  btf: () => {
    throw new Error('the kernel was asked');
  },
};

function relocate(source: string, target = untouched, options?: RelocateOptions): RelocatedObject {
  const relocated = relocateObject(parse(source), target, options);
  expect(decodeRelocated(encodeRelocated(relocated))).toEqual(relocated);
  return relocated;
}

function program(relocated: RelocatedObject, name = 'prog'): RelocatedProgram {
  return relocated.programs.find((candidate) => candidate.name === name)!;
}

function failure(run: () => unknown): BpfError {
  try {
    run();
  } catch (error) {
    if (error instanceof BpfError) return error;
    throw error;
  }
  throw new Error('expected an error');
}

/** Which line of the test's C has a text; the header's lines come before. */
function lineOf(source: string, text: string): number {
  const lines = (header + source).split('\n');
  return lines.findIndex((line) => line.includes(text)) + 1;
}

describe('maps and data', () => {
  const { programs, maps } = relocate(`
    u64 first, second = 5; const volatile u32 limit = 3;
    SEC("xdp") int prog(void *ctx) {
      u32 key = limit; u64 *value = lookup(&hits, &key);
      if (value) *value += second;
      return first;
    }
  `);
  const [{ instructions, bindings }] = programs as [RelocatedProgram];

  test('stay names, with the fd left open and the offset kept', () => {
    expect(bindings.map(({ kind, ...rest }) => [kind, 'map' in rest ? rest.map : ''])).toEqual(
      expect.arrayContaining([
        ['data', '.rodata'],
        ['map', 'hits'],
        ['data', '.data'],
        ['data', '.bss'],
      ]),
    );
    for (const { kind, insn } of bindings) {
      expect(src(instructions, insn)).toBe(kind === 'map' ? 1 : 2);
      expect(imm(instructions, insn)).toBe(0);
    }
    expect(maps.map(({ name }) => name)).toContain('hits');
  });

  test('info is there for the function and its lines', () => {
    const { funcInfo, lineInfo } = programs[0]!;
    expect([...funcInfo.subarray(0, 4)]).toEqual([0, 0, 0, 0]);
    expect(funcInfo.length).toBe(8);
    expect(lineInfo.length % 16).toBe(0);
    expect(lineInfo.length).toBeGreaterThan(16);
  });
});

test('an address behind the end of a data section is an error of the programs that have it', () => {
  const bytes = compile(
    `${header} int few[2]; SEC("xdp") int far(void *ctx) { return few[0]; } SEC("tc") int near(void *ctx) { return few[1]; }`,
  );
  // clang adds such an offset with an instruction of its own; other compilers may put it into the load.
  bytes[ElfFile.parse(bytes, { object: 'x' }).section('xdp')!.data.byteOffset + 4] = 8;
  const spec = parseObject(bytes, { name: 'x' });
  expect(relocateObject(spec, untouched, { programs: ['near'] }).programs).toHaveLength(1);
  expect(() => relocateObject(spec, untouched)).toThrow(
    "x: function 'far', instruction 0: address of a variable: found byte 8 of section '.bss', which has 8, expected an address inside",
  );
});

test('what an instruction already holds does not lead from one map to another', () => {
  const bytes = compile(
    `${header} SEC("xdp") int p(void *ctx) { u32 key = 0; return lookup(&hits, &key) != 0; }`,
  );
  const { data } = ElfFile.parse(bytes, { object: 'x' }).section('xdp')!;
  const load = data.findIndex((byte, i) => i % 8 === 0 && byte === 0x18);
  // GCC 12 with binutils 2.40 writes the symbol's value here.
  bytes[data.byteOffset + load + 4] = 64;
  const [program] = relocateObject(parseObject(bytes, { name: 'x' }), untouched).programs;
  expect(program!.bindings).toEqual([{ kind: 'map', insn: load / 8, map: 'hits' }]);
});

describe('subprograms', () => {
  const source = `
    u64 counter;
    NOINLINE int deep(int x) { counter += x; return x * 3; }
    static NOINLINE int side(int x) { return deep(x) + lookup(&hits, &x) ? 1 : 2; }
    static NOINLINE long each(void *map, const void *key, void *value, void *ctx) { return deep(4) == 12; }
    static long (*for_each)(void *map, void *fn, void *ctx, u64 flags) = (void *)164;
    SEC("xdp") int prog(int *ctx) { return side(*ctx) + for_each(&hits, each, 0, 0); }
    SEC("xdp") int other(int *ctx) { return deep(*ctx); }
  `;
  const relocated = relocate(source);

  test('follow their callers, each program with its own', () => {
    const { instructions, funcInfo } = program(relocated);
    const view = new DataView(funcInfo.buffer, funcInfo.byteOffset, funcInfo.length);
    const starts = Array.from({ length: funcInfo.length / 8 }, (_, i) => view.getUint32(i * 8, true));
    const btf = Btf.parse(relocated.btf!);
    const names = starts.map((_, i) => btf.name(view.getUint32(i * 8 + 4, true)));
    expect(names).toEqual(['prog', 'side', 'deep', 'each']);
    const targets: number[] = [];
    for (let i = 0; i < slotCount(instructions); i++) {
      const isCall = opcode(instructions, i) === 0x85 && src(instructions, i) === 1;
      const isAddress = opcode(instructions, i) === 0x18 && src(instructions, i) === 4;
      if (isCall || isAddress) targets.push(i + 1 + imm(instructions, i));
    }
    expect([...new Set(targets)].sort((a, b) => a - b)).toEqual(starts.slice(1));
    expect(program(relocated, 'other').funcInfo.length).toBe(16);
  });

  test('take their references along', () => {
    const { bindings, lineInfo, instructions } = program(relocated);
    const where = (map: string): number[] =>
      bindings.flatMap((binding) => ('map' in binding && binding.map === map ? [binding.insn] : []));
    expect(where('.bss')).toHaveLength(1);
    expect(where('hits')).toHaveLength(2);
    for (const insn of [...where('.bss'), ...where('hits')]) expect(opcode(instructions, insn)).toBe(0x18);
    const view = new DataView(lineInfo.buffer, lineInfo.byteOffset, lineInfo.length);
    const offsets = Array.from({ length: lineInfo.length / 16 }, (_, i) => view.getUint32(i * 16, true));
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
    expect(offsets.at(-1)).toBeLessThan(slotCount(instructions));
  });

  test('that are hidden are static for the kernel', () => {
    const linkage = (source: string): number => {
      const btf = Btf.parse(relocate(`${source} SEC("xdp") int prog(int *ctx) { return sub(*ctx); }`).btf!);
      return btf.linkage(btf.find('sub', BtfKind.FUNC));
    };
    const hidden = '__attribute__((visibility("hidden")))';
    expect(linkage(`NOINLINE int sub(int x) { return x + 1; }`)).toBe(Linkage.GLOBAL);
    expect(linkage(`${hidden} NOINLINE int sub(int x) { return x + 1; }`)).toBe(Linkage.STATIC);
  });

  test('an exception callback is linked although nothing calls it', () => {
    const withCallback = relocate(`
      NOINLINE int on_exception(u64 code) { return code; }
      SEC("tc") __attribute__((btf_decl_tag("exception_callback:on_exception"))) int prog(void *ctx) { return 1; }
    `);
    expect(program(withCallback).funcInfo.length).toBe(16);
    const error = failure(() =>
      relocate(
        `SEC("tc") __attribute__((btf_decl_tag("exception_callback:none"))) int prog(void *ctx) { return 1; }`,
      ),
    );
    expect(error.message).toContain(
      "exception callback of program 'prog': found 'none', which is not in the object",
    );
  });
});

describe('wanted programs', () => {
  const source = `
    extern int nowhere(int);
    SEC("xdp") int good(void *ctx) { return 1; }
    SEC("?xdp") int optional(void *ctx) { return 2; }
    SEC("?xdp") int broken(int *ctx) { return nowhere(*ctx); }
  `;
  const names = (options?: RelocateOptions): string[] =>
    relocate(source, untouched, options).programs.map(({ name }) => name);

  test('are those without a question mark, or those that are named', () => {
    expect(names()).toEqual(['good']);
    expect(names({ programs: ['optional', 'good'] })).toEqual(['good', 'optional']);
    expect(names({ programs: [] })).toEqual([]);
  });

  test('one that is broken fails only when it is wanted', () => {
    const error = failure(() => names({ programs: ['broken'] }));
    expect(error.code).toBe('EXTERN_UNRESOLVED');
    expect(error.fields).toMatchObject({
      symbol: 'nowhere',
      program: 'broken',
      line: lineOf(source, 'return nowhere'),
    });
    expect(error.message).toMatch(
      /x: extern 'nowhere', used at .*:\d+: no function of this name is in the object; define it/,
    );
  });

  test('a name that is not there', () => {
    const error = failure(() => names({ programs: ['god'] }));
    expect([error.code, error.message]).toEqual([
      'PROGRAM_NOT_FOUND',
      "x: no program 'god': expected one of good, optional, broken; did you mean good?",
    ]);
  });

  test('a tail call wants the programs of its slots', () => {
    const tail = `
      static long (*tail_call)(void *ctx, void *map, u32 index) = (void *)12;
      int second(void *ctx);
      struct { __uint(type, 3); __uint(max_entries, 2); __uint(key_size, 4); __array(values, int(void *)); } jumps
        SEC(".maps") = { .values = { [1] = (void *)&second } };
      SEC("xdp") int first(void *ctx) { tail_call(ctx, &jumps, 1); return 0; }
      SEC("xdp") int second(void *ctx) { return 2; }
      SEC("xdp") int third(void *ctx) { return 3; }
    `;
    const relocated = relocate(tail, untouched, { programs: ['first'] });
    expect(relocated.programs.map(({ name }) => name).sort()).toEqual(['first', 'second']);
    const slots = relocated.maps.find(({ name }) => name === 'jumps')!.slots;
    expect(slots).toEqual([{ index: 1, function: program(relocated, 'second').function }]);
  });
});

describe('externs', () => {
  const kernel = kernelTypes(`
    struct task { int pid; }; int percpu_var; struct task init;
    int bpf_good(struct task *t, int x) { return x + t->pid; }
    int bpf_other(struct task *t) { return t->pid; }
  `);
  const module = kernelTypes('int bpf_in_module(int x) { return x; } int module_var;');
  const target: TargetKernel = {
    btf: () => kernel,
    moduleNames: () => ['mod'],
    moduleBtf: (name) => (name === 'mod' ? module : undefined),
    kconfig: () =>
      new Map([
        ['CONFIG_HZ', '250'],
        ['CONFIG_BPF', 'y'],
      ]),
    virtual: (name) => (name === 'LINUX_KERNEL_VERSION' ? 0x60c05n : 1n),
  };

  test('configuration becomes contents of the .kconfig map', () => {
    const source = `
      extern int CONFIG_HZ KCONFIG; extern _Bool CONFIG_BPF KCONFIG; extern int LINUX_KERNEL_VERSION KCONFIG;
      extern u64 CONFIG_NONE KCONFIG WEAK;
      SEC("xdp") int prog(void *ctx) { return CONFIG_HZ + CONFIG_BPF + LINUX_KERNEL_VERSION + CONFIG_NONE; }
    `;
    const relocated = relocate(source, { ...target, btf: untouched.btf });
    const data = relocated.maps.find(({ name }) => name === '.kconfig')!.data!;
    const { instructions, bindings } = program(relocated);
    const values = bindings.map(({ insn }) => {
      expect(src(instructions, insn)).toBe(2);
      return data[imm(instructions, insn + 1)];
    });
    expect(values.sort()).toEqual([0, 1, 250, 5].sort());
    expect(bindings.every((binding) => binding.kind === 'data' && binding.map === '.kconfig')).toBe(true);
  });

  test('all that are missing are one error, each with its line of C', () => {
    const source = `
      extern int CONFIG_NONE KCONFIG; extern char CONFIG_HZ KCONFIG; extern int LINUX_TYPO KCONFIG;
      extern int nothing;
      SEC("xdp") int prog(void *ctx) {
        int sum = CONFIG_NONE;
        sum += CONFIG_HZ;
        sum += LINUX_TYPO;
        return sum + nothing;
      }
    `;
    const error = failure(() => relocate(source, target));
    expect(error.code).toBe('EXTERN_UNRESOLVED');
    expect(error.fields.problems).toHaveLength(4);
    const at = (text: string): string => `test.bpf.c:${lineOf(source, text)}: `;
    expect(error.message).toContain(
      `${at('= CONFIG_NONE')}it is not set in the kernel's configuration; declare it __weak`,
    );
    expect(error.message).toContain(`${at('+= CONFIG_HZ')}its value 250 does not fit into char`);
    expect(error.message).toContain(`${at('+= LINUX_TYPO')}it is no name of a configuration value`);
    expect(error.message).toContain('no variable of this name is in the object');
  });

  test('a kernel symbol without type stays a name', () => {
    const { instructions, bindings } = program(
      relocate(`
        extern const void bpf_prog_active KSYM; extern const void none KSYM WEAK;
        SEC("xdp") int prog(void *ctx) { return ((u64)&bpf_prog_active & 2) + ((u64)&none & 1); }
      `),
    );
    expect(bindings.map((binding) => ({ ...binding, insn: 0 }))).toEqual(
      expect.arrayContaining([
        { kind: 'ksym', insn: 0, symbol: 'bpf_prog_active', weak: false },
        { kind: 'ksym', insn: 0, symbol: 'none', weak: true },
      ]),
    );
    for (const { insn } of bindings) {
      expect([src(instructions, insn), imm64(instructions, insn)]).toEqual([0, 0n]);
    }
  });

  test('a typed variable and functions become ids in BTF', () => {
    const { instructions, bindings, poisoned } = program(
      relocate(
        `
        struct task { int pid; };
        extern const int percpu_var KSYM; extern const int module_var KSYM;
        extern int bpf_good___v2(struct task *t, int x) KSYM; extern int bpf_in_module(int x) KSYM;
        SEC("tc") int prog(struct task *ctx) {
          return bpf_good___v2(ctx, percpu_var) + bpf_in_module(module_var);
        }
      `,
        target,
      ),
    );
    expect(poisoned).toEqual([]);
    const loads = [...instructions.keys()]
      .filter((i) => i % 8 === 0 && instructions[i] === 0x18)
      .map((i) => i / 8);
    expect(loads.map((i) => [src(instructions, i), imm64(instructions, i)])).toEqual([
      [3, BigInt(kernel.find('percpu_var', BtfKind.VAR))],
      [3, BigInt(module.find('module_var', BtfKind.VAR))],
    ]);
    const calls = [...instructions.keys()]
      .filter((i) => i % 8 === 0 && instructions[i] === 0x85)
      .map((i) => i / 8);
    expect(calls.map((i) => [src(instructions, i), imm(instructions, i)])).toEqual([
      [2, kernel.find('bpf_good', BtfKind.FUNC)],
      [2, module.find('bpf_in_module', BtfKind.FUNC)],
    ]);
    expect(bindings).toEqual([
      { kind: 'module-ksym', insn: loads[1], module: 'mod' },
      { kind: 'module-kfunc', insn: calls[1], module: 'mod' },
    ]);
  });

  test('weak ones that are missing: an address is zero, a call is poisoned', () => {
    const source = `
      extern int bpf_missing(int x) KSYM WEAK; extern const int no_var KSYM WEAK;
      SEC("tc") int prog(int *ctx) {
        if (bpf_missing) return bpf_missing(*ctx);
        return &no_var ? 1 : 2;
      }
    `;
    const { instructions, bindings, poisoned } = program(relocate(source, target));
    expect(bindings).toEqual([]);
    expect(poisoned).toMatchObject([
      { kind: 'kfunc', target: 'bpf_missing', line: lineOf(source, 'if (bpf_missing)') },
    ]);
    expect(disassemble(instructions)[0]).toMatch(/= 0x0/);
    expect(imm(instructions, poisoned[0]!.insn)).toBeGreaterThanOrEqual(2002000000);
  });

  test.each([
    ['extern int bpf_god(int x) KSYM; int f(int *c) { return bpf_god(*c); }', 'did you mean bpf_good'],
    [
      'extern int bpf_good(int x) KSYM; int f(int *c) { return bpf_good(*c); }',
      "in vmlinux it is 'int (...)",
    ],
    ['extern void *percpu_var KSYM; int f(int *c) { return percpu_var == 0; }', "in vmlinux it is 'int'"],
    ['extern int far_away KSYM; int f(int *c) { return far_away; }', 'has a variable with BTF of this name'],
  ])('%s', (source, message) => {
    const error = failure(() => relocate(`${source} SEC("tc") int prog(int *c) { return f(c); }`, target));
    expect(error.code).toBe('EXTERN_UNRESOLVED');
    expect(error.message).toContain(message);
  });
});

describe('attach targets', () => {
  const kernel = kernelTypes(`
    typedef void (*btf_trace_sched_switch)(void *); btf_trace_sched_switch a;
    int bpf_lsm_file_open(void) { return 0; } int bpf_iter_task(void) { return 0; }
    int tcp_connect(void) { return 0; } int udp_sendmsg(void) { return 0; }
  `);
  const module = kernelTypes('int nf_ct_delete(void) { return 0; }');
  const target: TargetKernel = {
    btf: () => kernel,
    moduleNames: () => ['nf_conntrack'],
    moduleBtf: (name) => (name === 'nf_conntrack' ? module : undefined),
  };
  const attach = (section: string): RelocatedProgram['attach'] =>
    program(relocate(`SEC("${section}") int prog(void *ctx) { return 0; }`, target)).attach;

  test.each([
    ['tp_btf/sched_switch', 'btf_trace_sched_switch', BtfKind.TYPEDEF],
    ['lsm/file_open', 'bpf_lsm_file_open', BtfKind.FUNC],
    ['iter/task', 'bpf_iter_task', BtfKind.FUNC],
    ['fentry/tcp_connect', 'tcp_connect', BtfKind.FUNC],
    ['fexit/vmlinux:udp_sendmsg', 'udp_sendmsg', BtfKind.FUNC],
  ])('%s', (section, name, kind) => {
    expect(attach(section)).toEqual({ typeId: kernel.find(name, kind), module: undefined });
  });

  test('in a module, named or not', () => {
    const typeId = module.find('nf_ct_delete', BtfKind.FUNC);
    expect(attach('fentry/nf_ct_delete')).toEqual({ typeId, module: 'nf_conntrack' });
    expect(attach('fentry/nf_conntrack:nf_ct_delete')).toEqual({ typeId, module: 'nf_conntrack' });
  });

  test('left open where the section names none, or a program that is to be replaced', () => {
    expect(attach('fentry')).toBeUndefined();
    expect(attach('freplace/tcp_connect')).toBeUndefined();
  });

  test.each([
    ['fentry/tcp_conect', "found no function 'tcp_conect' in this kernel; did you mean tcp_connect?"],
    ['tp_btf/sched_swich', "found no tracepoint 'sched_swich' in this kernel; did you mean sched_switch?"],
    ['lsm/file_opne', "found no LSM hook 'file_opne' in this kernel; did you mean file_open?"],
    ['fentry/far_away_from_all', 'it may be inlined, static with several definitions'],
    ['fentry/nope:tcp_connect', "found module 'nope' is not loaded or has no BTF"],
    ['fentry/nf_conntrack:tcp_connect', "found no function 'tcp_connect' in nf_conntrack"],
  ])('%s is not there', (section, message) => {
    const error = failure(() => attach(section));
    expect(error.code).toBe('ATTACH_TARGET_NOT_FOUND');
    expect(error.message).toContain(message);
    expect(error.message).toContain(`x: program 'prog' (${section})`);
  });
});

test('CO-RE in a subprogram counts for every program that has it, at its place there', () => {
  const kernel = kernelTypes('struct task { long pad; int pid; } t;');
  const relocated = relocate(
    `
    struct task { int pid; int gone; } CORE;
    NOINLINE int read(struct task *t) { return t->gone; }
    SEC("tc") int one(struct task *t) { return t->pid + read(t); }
    SEC("tc") int two(struct task *t) { return read(t); }
  `,
    { btf: () => kernel },
  );
  for (const { instructions, poisoned } of relocated.programs) {
    expect(poisoned).toMatchObject([{ kind: 'byte_off', target: 'struct task.gone', access: '0:1' }]);
    expect(imm(instructions, poisoned[0]!.insn)).toBe(195896080);
  }
  expect(relocated.programs[0]!.poisoned[0]!.insn).not.toBe(relocated.programs[1]!.poisoned[0]!.insn);
});
