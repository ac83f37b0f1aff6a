import { expect, test } from 'vitest';
import { compile } from '../../../../tools/testing/compile';
import { Btf, BtfKind, Linkage } from '../btf';
import { parseObject } from '../object';
import { btfForKernel } from './kernel-types';

const source = `
  #define SEC(name) __attribute__((section(name)))
  struct task_struct;
  extern int CONFIG_HZ SEC(".kconfig");
  extern const void bpf_prog_put SEC(".ksyms");
  extern struct task_struct *bpf_task_from_pid(int) SEC(".ksyms");
  extern int printer(const char *format, ...) SEC(".ksyms");
  SEC("socket") int program(void *ctx)
  {
    return CONFIG_HZ + (long)&bpf_prog_put + (long)bpf_task_from_pid(1) + printer(0);
  }`;

function kernelTypes(text: string): { before: Btf; after: Btf } {
  const spec = parseObject(compile(text), { name: 'externs' });
  return { before: spec.btf!, after: Btf.parse(btfForKernel(spec)!) };
}

function variables(btf: Btf, section: string): string[] {
  const id = btf.find(section, BtfKind.DATASEC);
  return Array.from({ length: btf.vlen(id) }, (_, i) => {
    const variable = btf.secVarType(id, i);
    const place = `${btf.secVarOffset(id, i)}+${btf.secVarSize(id, i)}`;
    return `${place} ${btf.name(variable)} ${btf.describe(btf.type(variable))}`;
  });
}

test('externs become definitions, under the ids that they had', () => {
  const { before, after } = kernelTypes(source);
  expect(variables(after, '.kconfig')).toEqual(['0+4 CONFIG_HZ int']);
  const ksyms = variables(after, '.ksyms').map((line) => line.split(' '));
  expect(ksyms.map(([place]) => place)).toEqual(['0+4', '4+4', '8+4']);
  expect(ksyms.map(([, name, type]) => `${name} ${type}`).sort()).toEqual([
    'bpf_prog_put int',
    'ksym int',
    'ksym int',
  ]);
  expect(after.size(after.find('.ksyms', BtfKind.DATASEC))).toBe(12);

  const taskFromPid = before.find('bpf_task_from_pid', BtfKind.FUNC);
  expect(before.linkage(taskFromPid)).toBe(Linkage.EXTERN);
  expect(after.name(taskFromPid)).toBe('bpf_task_from_pid');
  for (const name of ['bpf_task_from_pid', 'printer']) {
    expect(after.linkage(after.find(name, BtfKind.FUNC))).toBe(Linkage.GLOBAL);
  }
  for (const name of ['CONFIG_HZ', 'bpf_prog_put']) {
    expect(after.linkage(after.find(name, BtfKind.VAR))).toBe(Linkage.GLOBAL);
  }
});

test('nameless parameters get a name, the dots of variable arguments do not', () => {
  const { after } = kernelTypes(source);
  const parameters = (name: string): string[] => {
    const prototype = after.type(after.find(name, BtfKind.FUNC));
    return Array.from({ length: after.vlen(prototype) }, (_, i) => after.paramName(prototype, i));
  };
  expect(parameters('bpf_task_from_pid')).toEqual(['arg0']);
  expect(parameters('printer')).toEqual(['arg0', '']);
});

test('an object without externs keeps its types as they are', () => {
  const { before, after } = kernelTypes(
    '__attribute__((section("socket"))) int program(void *ctx) { return 0; }',
  );
  expect(after.bytes).toEqual(before.bytes);
});
