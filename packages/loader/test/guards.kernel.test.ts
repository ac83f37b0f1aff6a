import { expect, test } from 'vitest';
import { compile } from '../../../tools/testing/compile';
import { kernelSuite } from '../../../tools/testing/kernel';
import { runningKernel } from '../src/kernel';
import { loadObject } from '../src/load';
import { parseObject } from '../src/object';
import { reachOf, relocateObject } from '../src/relocate';

/** Programs that read a field that no kernel has, each with another way to ask for it first. */
const source = (ask: string, guard: string) => `
#define SEC(name) __attribute__((section(name), used))
#define NOINLINE __attribute__((noinline))
typedef unsigned int u32; typedef unsigned long long u64;
static u64 (*now)(void) = (void *)5;
char gpl[] SEC("license") = "GPL";
struct task_struct { int pid; int not_there; } __attribute__((preserve_access_index));
#define EXISTS(access) __builtin_preserve_field_info(access, 2)
${ask}
SEC("tp_btf/sched_switch") int prog(u64 *ctx)
{
	struct task_struct *t = (void *)ctx[1];
	${guard}
	return 0;
}`;
const has = (kind: string, rest: string): string =>
  `${kind} NOINLINE int has(u64 n) { asm volatile("" : "+r"(n)); struct task_struct *t = 0; ${rest} }`;

kernelSuite('what guards are said to do, beside what the verifier makes of them', () => {
  test.each([
    [
      'a static function',
      has('static', 'return EXISTS(t->not_there);'),
      'if (has(1)) return t->not_there;',
      'no',
    ],
    [
      'a static function that calls one',
      `${has('static', 'return EXISTS(t->not_there);')} static NOINLINE int had(u64 n) { asm volatile(""); return has(n) + has(n + 1); }`,
      'if (had(1)) return t->not_there;',
      'no',
    ],
    [
      'a hidden function',
      has('__attribute__((visibility("hidden")))', 'return EXISTS(t->not_there);'),
      'if (has(1)) return t->not_there;',
      'no',
    ],
    ['a global function', has('', 'return EXISTS(t->not_there);'), 'if (has(1)) return t->not_there;', 'yes'],
    [
      'one way through a static function',
      has('static', 'if (now() & n) return 1; return EXISTS(t->not_there);'),
      'if (has(1)) return t->not_there;',
      'yes',
    ],
    [
      'the stack',
      '',
      'volatile u64 kept = EXISTS(t->not_there); now(); if (kept) return t->not_there;',
      'no',
    ],
    ['nothing', '', 'if (now() & 1) return t->not_there;', 'yes'],
  ])('%s', (_name, ask, guard, reached) => {
    const spec = parseObject(compile(source(ask, guard)), { name: 'guard' });
    const object = relocateObject(spec, runningKernel());
    const [program] = object.programs;
    expect(program!.poisoned.length).toBeGreaterThan(0);
    const reach = reachOf(object, program!);
    expect([...new Set(program!.poisoned.map(({ insn }) => reach(insn)))]).toEqual([reached]);
    if (reached === 'no') loadObject(object).close();
    else expect(() => loadObject(object).close()).toThrow(/not_there/);
  });
});
