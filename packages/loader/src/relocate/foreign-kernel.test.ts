import { expect, test } from 'vitest';
import { compile } from '../../../../tools/testing/compile';
import { imm, off, slotCount } from '../asm';
import { Btf, BtfKind } from '../btf';
import { ElfFile } from '../elf';
import { parseObject } from '../object';
import { relocateObject } from './index';

/**
 * Nothing up to relocation asks the machine that it runs on: the kernel is a BTF file, of either byte order, and so is
 * the object.
 */

const kernelSource = `
  struct other { long a; };
  struct task_struct { char padding[40]; struct other *before; int pid; };
  enum state { IDLE = 70000 };
  int bpf_lsm_file_open(struct task_struct *task, enum state s) { return task->pid; }`;
const objectSource = `
  #define SEC(name) __attribute__((section(name), used))
  #pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
  struct task_struct { int pid; };
  #pragma clang attribute pop
  enum state { IDLE = 1 };
  int __attribute__((noinline)) pid_of(struct task_struct *task) { return task->pid; }
  SEC("lsm/file_open") int guard(struct task_struct *task) {
    return pid_of(task) + __builtin_preserve_enum_value(*(typeof(enum state) *)IDLE, 1); }`;

/** The types of a kernel in its own byte order, as a file of them has them. */
function kernel(bigEndian: boolean): Btf {
  const elf = ElfFile.parse(compile(kernelSource, { bigEndian }), { object: 'vmlinux' });
  return Btf.parse(elf.section('.BTF')!.data);
}

test.each([
  ['little', 'little', false, false],
  ['little', 'big', false, true],
  ['big', 'little', true, false],
  ['big', 'big', true, true],
])('a %s-endian object against a %s-endian kernel', (_, __, objectBig, kernelBig) => {
  const btf = kernel(kernelBig);
  expect(btf.littleEndian).toBe(!kernelBig);
  const spec = parseObject(compile(objectSource, { bigEndian: objectBig }), { name: 'x' });
  expect(spec.littleEndian).toBe(!objectBig);
  const { programs } = relocateObject(spec, { btf: () => btf });
  const [guard] = programs;
  const { instructions, poisoned, attach } = guard!;
  const slots = Array.from({ length: slotCount(instructions) }, (_unused, i) => i);
  expect(poisoned).toEqual([]);
  expect(attach).toEqual({ typeId: btf.find('bpf_lsm_file_open', BtfKind.FUNC), module: undefined });
  expect(slots.some((i) => off(instructions, i) === 48)).toBe(true);
  expect(slots.some((i) => imm(instructions, i) === 70000)).toBe(true);
});

test("types given for CO-RE stand for the kernel; attach targets are still the kernel's own", () => {
  const running = kernel(false);
  const other = compile(kernelSource.replace('padding[40]', 'padding[80]'), {});
  const coreTypes = Btf.parse(ElfFile.parse(other, { object: 'other' }).section('.BTF')!.data);
  const spec = parseObject(compile(objectSource), { name: 'x' });
  const [guard] = relocateObject(spec, { btf: () => running }, { coreTypes }).programs;
  const offsets = Array.from({ length: slotCount(guard!.instructions) }, (_, i) =>
    off(guard!.instructions, i),
  );
  expect([offsets.includes(88), offsets.includes(48)]).toEqual([true, false]);
  expect(guard!.attach).toEqual({
    typeId: running.find('bpf_lsm_file_open', BtfKind.FUNC),
    module: undefined,
  });
});
