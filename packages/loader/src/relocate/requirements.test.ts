import { expect, test } from 'vitest';
import { compile } from '../../../../tools/testing/compile';
import { Btf } from '../btf';
import { BpfError } from '../errors';
import { ElfFile } from '../elf';
import { type ObjectSpec, parseObject } from '../object';
import { withConstants } from './constants';
import { reachOf, type Reached } from './reach';
import { requirementsOf } from './requirements';
import { type TargetKernel } from './target';

const header = `
  #define SEC(name) __attribute__((section(name), used))
  #define WEAK __attribute__((weak))
  #define NOINLINE __attribute__((noinline))
  #define KSYM __attribute__((section(".ksyms")))
  #define KCONFIG __attribute__((section(".kconfig")))
  #define CORE __attribute__((preserve_access_index))
  #define EXISTS(access) __builtin_preserve_field_info(access, 2)
  typedef unsigned int u32; typedef unsigned long long u64;
  static u64 (*now)(void) = (void *)5;
  static long (*copy)(void *to, u32 size, const void *from) = (void *)4;
  char gpl[] SEC("license") = "GPL";
  struct task { int pid; int added; } CORE;
`;

/** A kernel without task.added and without kfunc_new. */
const kernel: TargetKernel = {
  btf: () =>
    Btf.parse(
      ElfFile.parse(
        compile(`struct task { int other; int pid; }; struct task task;
          enum bpf_prog_type { T0, T1, T26 = 26, __MAX_BPF_PROG_TYPE } types; enum bpf_func_id { H1 = 1, H4 = 4, H5, __BPF_FUNC_MAX_ID } helpers;
          enum bpf_attach_type { A23 = 23 } attach; enum bpf_map_type { M2 = 2, __MAX } maps;
          int kfunc_old(void) { return task.pid; }
          typedef void (*btf_trace_started)(void *, struct task *); btf_trace_started tracepoint;`),
        { object: 'kernel.o' },
      ).section('.BTF')!.data,
    ),
  kconfig: () => new Map([['CONFIG_HZ', '250']]),
};

function parse(body: string): ObjectSpec {
  return parseObject(compile(header + body), { name: 'x' });
}

/** Whether the poisoned instructions of a program are reached. */
function reached(body: string, constants: Record<string, unknown> = {}): Reached[] {
  const { relocated } = requirementsOf(parse(body), 'prog', kernel);
  const object = withConstants(relocated!.object, constants);
  const reach = reachOf(object, relocated!.program);
  expect(relocated!.program.poisoned.length).toBeGreaterThan(0);
  return [...new Set(relocated!.program.poisoned.map(({ insn }) => reach(insn)))];
}

const program = (body: string): string => `SEC("socket") int prog(struct task *t) { ${body} }`;

test('a field that is read without a look whether it is there is reached', () => {
  expect(reached(program('return t->added;'))).toEqual(['yes']);
  expect(reached(program('if (now() > 5) return t->added; return 0;'))).toEqual(['yes']);
});

test('behind an existence check it is not', () => {
  expect(reached(program('if (EXISTS(t->added)) return t->added; return t->pid;'))).toEqual(['no']);
  expect(reached(program('if (!EXISTS(t->added)) return 1; return t->added;'))).toEqual(['no']);
  expect(
    reached(
      program(
        'int n = 0; for (int i = 0; i < 9; i++) if (EXISTS(t->added) && now() & 1) n += t->added; return n;',
      ),
    ),
  ).toEqual(['no']);
  // The check must be about the right thing.
  expect(reached(program('if (EXISTS(t->pid)) return t->added; return 0;'))).toEqual(['yes']);
});

test('the answer of a check is followed over the stack and through a subprogram', () => {
  const spilled = (between: string) =>
    program(
      `u64 has = EXISTS(t->added); volatile u64 kept = has; u64 slot[1] = { 0 }; ${between}; return kept ? t->added : (int)slot[0];`,
    );
  expect(reached(spilled('slot[0] = now()'))).toEqual(['no']);
  // How much of the stack a helper writes is not known here: then it is not said that all is well.
  expect(reached(spilled('copy(slot, 8, t)'))).toEqual(['maybe']);
  // What a static function returns is known as the verifier knows it: by the way through it.
  const has = (rest: string) => `static NOINLINE int has(struct task *t) { asm volatile(""); ${rest} }`;
  const asks = program('return has(t) ? t->added : 0;');
  expect(reached(has('return EXISTS(t->added);') + asks)).toEqual(['no']);
  expect(reached(has('return EXISTS(t->added) && now() & 1;') + asks)).toEqual(['no']);
  expect(reached(has('if (now() & 1) return EXISTS(t->added); return EXISTS(t->pid);') + asks)).toEqual([
    'yes',
  ]);
  expect(reached(has('return now() & 1;') + asks)).toEqual(['yes']);
  const twice = `${has('return EXISTS(t->added);')} static NOINLINE int had(struct task *t) { asm volatile(""); return has(t) + has(t); }`;
  expect(reached(twice + program('return had(t) ? t->added : 0;'))).toEqual(['no']);
  // Of a global one the verifier takes any result.
  expect(reached(has('return EXISTS(t->added);').replace('static', '') + asks)).toEqual(['yes']);
  const hidden = has('return EXISTS(t->added);').replace('static', '__attribute__((visibility("hidden")))');
  expect(reached(hidden + asks)).toEqual(['no']);
  const callee = `static NOINLINE int read(struct task *t, int ok) { if (ok) return t->added; return now(); }`;
  expect(reached(callee + program('return read(t, EXISTS(t->added)) + read(t, 0);'))).toEqual(['no']);
  expect(reached(callee + program('return read(t, 0) + read(t, now() & 1);'))).toEqual(['yes']);
});

test('constants and the configuration of the kernel close ways', () => {
  const constant = `const volatile u32 enabled = 1; ${program('if (enabled == 7) return t->added; return 0;')}`;
  expect(reached(constant)).toEqual(['no']);
  expect(reached(constant, { enabled: 7 })).toEqual(['yes']);
  const config = (limit: number) =>
    `extern int CONFIG_HZ KCONFIG; ${program(`if (CONFIG_HZ > ${limit}) return t->added; return 0;`)}`;
  expect(reached(config(250))).toEqual(['no']);
  expect(reached(config(100))).toEqual(['yes']);
  // A variable that programs write is no constant.
  expect(reached(`u32 enabled = 0; ${program('if (enabled) return t->added; return 0;')}`)).toEqual(['yes']);
});

test('a weak kfunc is guarded by a look at its address', () => {
  const declared = 'extern int kfunc_new(void) WEAK KSYM; extern int kfunc_old(void) WEAK KSYM;';
  expect(reached(declared + program('if (kfunc_new) return kfunc_new(); return kfunc_old();'))).toEqual([
    'no',
  ]);
  expect(reached(declared + program('if (kfunc_old) return kfunc_old(); return kfunc_new();'))).toEqual([
    'no',
  ]);
  expect(reached(declared + program('return kfunc_new();'))).toEqual(['yes']);
});

test('too many ways to follow are taken together', () => {
  const many = `u64 n = 0; ${Array.from({ length: 24 }, (_, i) => `if (now() & 1) n += ${i} << n; else n ^= ${i * 3};`).join('')}
    if (EXISTS(t->added)) n += t->added; return n;`;
  expect(reached(program(`u64 bits = 1; ${many}`))).toEqual(['no']);
});

test('every requirement is listed, with what it became and its line', () => {
  const source = `extern int kfunc_old(void) KSYM; extern int kfunc_new(void) KSYM; extern int CONFIG_HZ KCONFIG;
extern int CONFIG_NONE WEAK KCONFIG; extern const void anything KSYM;
SEC("tp_btf/started") int prog(u64 *ctx) { struct task *t = (void *)ctx[0];
  int n = kfunc_old() + CONFIG_HZ + CONFIG_NONE + (int)(long)&anything;
  n += t->pid;
  n += EXISTS(t->added);
  return n + t->added + kfunc_new(); }`;
  const { requirements, relocated } = requirementsOf(parse(source), 'prog', kernel);
  const told = requirements.map(({ kind, name, state, answer, line }) => ({
    kind,
    name,
    state,
    answer,
    line: line! - header.split('\n').length + 1,
  }));
  // Types of programs and attachments have a test of their own.
  told.splice(0, told.length, ...told.filter(({ kind }) => !kind.endsWith(' type')));
  told.sort((a, b) => (a.kind + a.name < b.kind + b.name ? -1 : 1));
  expect(told).toEqual([
    { kind: 'attach target', name: 'started', state: 'found', answer: 'vmlinux', line: 3 },
    { kind: 'byte_off', name: 'struct task.added', state: 'missing', answer: expect.any(String), line: 7 },
    { kind: 'byte_off', name: 'struct task.pid', state: 'found', answer: '4', line: 5 },
    {
      kind: 'field_exists',
      name: 'struct task.added',
      state: 'absent',
      answer: '0',
      line: expect.any(Number),
    },
    { kind: 'kconfig', name: 'CONFIG_HZ', state: 'found', answer: '250', line: 4 },
    { kind: 'kconfig', name: 'CONFIG_NONE', state: 'absent', answer: '0', line: 4 },
    { kind: 'kfunc', name: 'kfunc_new', state: 'missing', answer: undefined, line: 7 },
    { kind: 'kfunc', name: 'kfunc_old', state: 'found', answer: 'vmlinux', line: 4 },
    { kind: 'symbol', name: 'anything', state: 'open', answer: undefined, line: 4 },
  ]);
  const missing = requirements.find(({ name }) => name === 'kfunc_new')!;
  expect(missing.error).toBeInstanceOf(BpfError);
  expect(missing.error!.message).toContain('did you mean kfunc_old?');
  // All that is missing is poisoned, so that the rest can be looked at.
  expect(relocated!.program.poisoned.map(({ target }) => target).sort()).toEqual([
    'kfunc_new',
    'struct task.added',
  ]);
});

test('several errors of one program are all there', () => {
  const source = `extern int one(void) KSYM; extern int two(void) KSYM; extern int CONFIG_NO KCONFIG;
    SEC("tp_btf/stopped") int prog(u64 *ctx) { return one() + two() + CONFIG_NO; }`;
  const { requirements } = requirementsOf(parse(source), 'prog', kernel);
  const errors = requirements.flatMap(({ error }) => (error === undefined ? [] : [error.code]));
  expect(errors.sort()).toEqual([
    'ATTACH_TARGET_NOT_FOUND',
    'EXTERN_UNRESOLVED',
    'EXTERN_UNRESOLVED',
    'EXTERN_UNRESOLVED',
  ]);
});

test('a program that is not there is named with its neighbours', () => {
  expect(() => requirementsOf(parse(program('return 0;')), 'prag', kernel)).toThrow('did you mean prog?');
});

test('types of programs, maps and attachments, and helpers, are those that the kernel has', () => {
  const source = `
    struct { int (*type)[2]; int (*max_entries)[1]; u32 *key; u64 *value; } known SEC(".maps");
    struct { int (*type)[27]; int (*max_entries)[4096]; } ring SEC(".maps");
    static void *(*lookup)(void *map, const void *key) = (void *)1;
    static long (*probe)(void *to, u32 size, const void *from) = (void *)113;
    SEC("socket") int prog(struct task *t) { u32 zero = 0; now(); now();
      if (EXISTS(t->added)) probe(&zero, 4, t);
      return lookup(&known, &zero) != 0; }
    SEC("socket") int two(void *t) { u32 zero = 0; probe(&zero, 4, t); return lookup(&ring, &zero) != 0; }
    SEC("tcx/ingress") int three(void *t) { return 0; }`;
  const spec = parse(source);
  const asked = (name: string): string[] =>
    requirementsOf(spec, name, kernel)
      .requirements.filter(({ kind }) => / type$|helper/.test(kind))
      .map(({ kind, name: what, state, error }) => `${kind} ${what} ${state} ${error?.code ?? ''}`.trim());
  expect(asked('prog')).toEqual([
    'program type socket_filter found',
    'map type array (known) found',
    'helper bpf_ktime_get_ns found',
    'helper bpf_probe_read_kernel missing',
    'helper bpf_map_lookup_elem found',
  ]);
  expect(asked('two')).toEqual([
    'program type socket_filter found',
    'map type ringbuf (ring) missing PROGRAM_INVALID',
    'helper bpf_probe_read_kernel missing',
    'helper bpf_map_lookup_elem found',
  ]);
  expect(asked('three')).toEqual([
    'program type sched_cls missing PROGRAM_INVALID',
    'attach type tcx_ingress missing',
  ]);
  const { requirements, relocated } = requirementsOf(spec, 'prog', kernel);
  const call = requirements.find(({ name }) => name === 'bpf_probe_read_kernel')!;
  expect(reachOf(relocated!.object, relocated!.program)(call.insn!)).toBe('no');
});
