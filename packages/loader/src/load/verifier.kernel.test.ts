import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { BpfError } from '../errors';
import { runningKernel } from '../kernel';
import { parseObject } from '../object';
import { relocateObject, type RelocatedProgram } from '../relocate';
import { loadObject } from './index';
import { loadFailure } from './load-failure';

const head = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, int); __type(value, long); } hits SEC(".maps");
`;
const gpl = 'char LICENSE[] SEC("license") = "GPL";\n';
/** Lines before the first of a test's source. */
const before = `${head}${gpl}`.split('\n').length - 1;

kernelSuite('programs that the kernel refuses', (kernel) => {
  function failure(name: string, source: string, licence = gpl): BpfError {
    const object = kernel.compile(`${head}${licence}${source}`, { name });
    const spec = parseObject(new Uint8Array(readFileSync(object)), { name });
    try {
      loadObject(relocateObject(spec, runningKernel())).close();
    } catch (error) {
      if (error instanceof BpfError) return error;
      throw error;
    }
    throw new Error('loaded, although it should not');
  }

  test('a pointer that may be NULL: reason, line of C, register, hint, and the log', () => {
    const error = failure(
      'maybe',
      `SEC("xdp") int maybe(struct xdp_md *ctx)
{
  int key = 1;
  long *value = bpf_map_lookup_elem(&hits, &key);
  return *value;
}`,
    );
    expect(error).toMatchObject({
      code: 'VERIFIER_REJECTED',
      fields: { object: 'maybe', program: 'maybe', section: 'xdp', errno: 'EACCES', line: before + 5 },
    });
    expect(error.fields.file).toMatch(/test\.bpf\.c$/);
    expect(error.message).toContain("program 'maybe' (section 'xdp', xdp): the verifier rejected it at ");
    expect(error.message).toContain("R0 invalid mem access 'map_value_or_null', with R0=map_value_or_null(");
    expect(error.message).toContain('in `return *value;`; the pointer may be NULL here');
    expect(error.fields.log?.join('\n')).toContain('processed ');
  });

  test('the line is that of the subprogram in which it fails', () => {
    const error = failure(
      'sub',
      `static __attribute__((noinline)) int deref(long *value)
{
  return *value;
}
SEC("xdp") int outer(struct xdp_md *ctx)
{
  int key = 1;
  return deref(bpf_map_lookup_elem(&hits, &key));
}`,
    );
    expect(error.fields).toMatchObject({ program: 'outer', line: before + 3 });
  });

  test('an endless loop', () => {
    const error = failure(
      'endless',
      `SEC("xdp") int endless(struct xdp_md *ctx)
{
  volatile int i = 0;
  for (;;) i = 0;
  return i;
}`,
    );
    expect(error.message).toMatch(/infinite loop detected|back-edge/);
    expect(error.message).toContain('give the loop a bound');
    expect(error.fields.insn).toBeTypeOf('number');
  });

  test('a GPL helper without a licence', () => {
    const source = `SEC("tp_btf/sched_process_exec") int p(void *ctx) { return bpf_probe_read_kernel(ctx, 0, ctx); }`;
    expect(failure('unlicensed', source, '').message).toContain('SEC("license") = "GPL"');
  });

  test('a packet access without a check', () => {
    const error = failure(
      'packet',
      'SEC("xdp") int p(struct xdp_md *ctx) { char *data = (void *)(long)ctx->data; return data[4]; }',
    );
    expect(error.message).toContain('R1 offset is outside of the packet');
    expect(error.message).toContain('data_end');
  });

  test('a field that the kernel does not have is named, with the line', () => {
    const error = failure(
      'core',
      `struct task_struct { int pid; int no_such_field; } __attribute__((preserve_access_index));
SEC("tp_btf/sched_process_exec") int exec(unsigned long long *ctx)
{
  struct task_struct *task = (void *)ctx[0];
  return task->no_such_field;
}`,
    );
    expect(error.fields).toMatchObject({ line: before + 5, symbol: 'struct task_struct.no_such_field' });
    expect(error.message).toContain(
      'it needs struct task_struct.no_such_field (CO-RE byte_off, accessor 0:1)',
    );
    expect(error.message).toContain('bpf_core_field_exists()');
  });

  test('a log longer than the first buffer is whole', () => {
    const steps = Array.from({ length: 1500 }, (_, i) => `x += ctx->rx_queue_index * ${i + 3};`).join('\n');
    const error = failure(
      'long',
      `SEC("xdp") int p(struct xdp_md *ctx)
{
  volatile long x = 0;
  ${steps}
  char *data = (void *)(long)ctx->data;
  return data[x & 1];
}`,
    );
    expect(error.fields.log!.join('\n').length).toBeGreaterThan(64 * 1024);
    expect(error.fields.log!.at(-1)).toMatch(/^processed \d+ insns/);
    expect(error.fields.log![0]).toMatch(/^(0: R1|Live|func#0|Func#0)/);
  });

  test('a program of no known section is refused before anything is made', () => {
    const error = failure('typo', 'SEC("xpd") int p(void *ctx) { return 0; }');
    expect(error).toMatchObject({ code: 'SECTION_UNKNOWN' });
    expect(error.message).toContain('"xdp"');
  });

  test('without rights the missing capabilities are named, and memlock is not blamed', () => {
    const name = 'rights';
    const source = `${head}${gpl}SEC("xdp") int p(struct xdp_md *ctx) { return 2; }`;
    const spec = parseObject(new Uint8Array(readFileSync(kernel.compile(source, { name }))), { name });
    const object = relocateObject(spec, runningKernel());
    let error: unknown;
    process.seteuid!(65534);
    try {
      loadObject(object, { programs: ['p'] });
    } catch (thrown) {
      error = thrown;
    } finally {
      process.seteuid!(0);
    }
    expect(error).toMatchObject({ code: 'PRIVILEGE_MISSING', exitStatus: 9, fields: { errno: 'EPERM' } });
    expect(String(error)).toContain('CAP_BPF and CAP_NET_ADMIN');
    expect(String(error)).not.toMatch(/memlock/i);
  });

  test('a refusal without a log and without a missing capability tells of trampolines', () => {
    const program = {
      name: 'p',
      section: 'fentry/f',
      lineInfo: new Uint8Array(0),
      poisoned: [],
    } as unknown as RelocatedProgram;
    const error = loadFailure({ object: 'o', program, type: 26, errno: 1, log: [], btf: undefined });
    expect(error).toMatchObject({ code: 'PROGRAM_LOAD_FAILED', fields: { errno: 'EPERM', program: 'p' } });
    expect(error.message).toContain('trampoline');
    expect(error.message).not.toMatch(/memlock/i);
  });
});
