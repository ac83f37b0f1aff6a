import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { loadWithBpftool } from '../../../../tools/oracle/bpftool';
import { closeAll } from '../../../../tools/oracle/handles';
import { kernelSuite } from '../../../../tools/testing/kernel';
import { tag } from '../asm';
import { type Btf, BtfKind, IntEncoding } from '../btf';
import { programInfo, runningKernel, tagAlgorithm } from '../kernel';
import { parseObject } from '../object';
import { relocateObject } from './relocate-object';

const header = `
  #define SEC(name) __attribute__((section(name), used))
  #define NOINLINE __attribute__((noinline))
  #define CORE __attribute__((preserve_access_index))
  #define OFFSET(access) __builtin_preserve_field_info(access, 0)
  #define SIZE(access) __builtin_preserve_field_info(access, 1)
  #define EXISTS(access) __builtin_preserve_field_info(access, 2)
  #define SIGNED(access) __builtin_preserve_field_info(access, 3)
  #define LSHIFT(access) __builtin_preserve_field_info(access, 4)
  #define RSHIFT(access) __builtin_preserve_field_info(access, 5)
  typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32; typedef unsigned long long u64;
  char gpl[] SEC("license") = "GPL";
`;

/** Numbers below a limit, the same at every run. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

kernelSuite('tags that the kernel computes for what bpftool loads', (kernel) => {
  function expectSameTags(name: string, source: string): void {
    const file = kernel.compile(header + source, { name });
    const relocated = relocateObject(parseObject(readFileSync(file), { name }), runningKernel());
    const pins = path.join(kernel.bpffs, name);
    const peer = loadWithBpftool(file, pins);
    try {
      const theirs = [...peer.programs].map(([program, fd]) => [program, programInfo(fd).tag]);
      const ours = relocated.programs.map((program) => [
        program.name,
        tag(program.instructions, tagAlgorithm()),
      ]);
      expect(ours.sort()).toEqual(theirs.sort());
    } finally {
      closeAll(peer);
      rmSync(pins, { recursive: true });
    }
  }

  test.each(Array.from({ length: 8 }, (_, i) => i + 1))('calls between functions, at random (%i)', (seed) => {
    const random = randomNumbers(seed);
    const count = 6 + random(8);
    // Functions call only earlier ones, so that nothing recurses; half are static, which clang relocates by section.
    const functions = Array.from({ length: count }, (_, i) => {
      const calls = Array.from(
        { length: i === 0 ? 0 : 1 + random(2) },
        () => `f${random(i)}(x + ${random(99)})`,
      );
      const linkage = random(2) === 0 ? 'static' : '';
      return `${linkage} NOINLINE int f${i}(int x) { return ${['x', `${i}`, ...calls].join(' * 3 ^ ')}; }`;
    });
    const programs = ['a', 'b', 'c'].map(
      (name) => `SEC("xdp") int ${name}(int *ctx) { return f${random(count)}(1) + f${random(count)}(2); }`,
    );
    expectSameTags(`calls${seed}`, [...functions, ...programs].join('\n'));
  });

  let fields: readonly KernelField[];
  beforeAll(() => {
    fields = someFields(runningKernel().btf());
  });

  test.each(Array.from({ length: 6 }, (_, i) => i + 1))('fields of the kernel, at random (%i)', (seed) => {
    const random = randomNumbers(seed * 7919);
    const chosen = Array.from({ length: 60 }, () => fields[random(fields.length)]!);
    const structs = chosen.map(
      ({ struct, declaration }, i) =>
        `struct ${struct}___v${i} { ${random(2) ? 'char local_pad[3];' : ''} ${declaration}; int not_there_${i}; } CORE;`,
    );
    const questions = chosen.flatMap(({ struct, name, declaration }, i) => {
      const access = `((struct ${struct}___v${i} *)0)->${name}`;
      // clang knows the sign of integers only.
      const sign = /^(signed|unsigned)/.test(declaration) ? ['SIGNED'] : [];
      const asked = ['OFFSET', 'SIZE', 'EXISTS', 'LSHIFT', 'RSHIFT', ...sign].map((q) => `${q}(${access})`);
      return [...asked, `EXISTS(((struct ${struct}___v${i} *)0)->not_there_${i})`];
    });
    const sum = questions.map((question) => `sum = sum * 31 + ${question};`).join('\n');
    expectSameTags(
      `fields${seed}`,
      `${structs.join('\n')} SEC("xdp") int ask(void *ctx) { u64 sum = 0; ${sum} return sum ^ sum >> 32; }`,
    );
  });

  test('loads whose width changes, and one that is poisoned behind a guard', () => {
    expectSameTags(
      'widths',
      `
      struct task_struct___w { u64 flags; u32 start_time; u8 policy; } CORE;
      struct task_struct___gone { int gone; } CORE;
      SEC("tp_btf/sched_switch") int widths(u64 *ctx) {
        struct task_struct___w *task = (void *)ctx[1];
        return task->flags + task->start_time + task->policy;
      }
      SEC("tp_btf/sched_switch") int guarded(u64 *ctx) {
        struct task_struct___gone *task = (void *)ctx[1];
        return EXISTS(task->gone) ? task->gone : 0;
      }`,
    );
  });
});

interface KernelField {
  readonly struct: string;
  readonly name: string;
  /** C of a field that is compatible with the kernel's. */
  readonly declaration: string;
}

const keywords =
  /^(int|char|short|long|default|case|switch|register|volatile|signed|unsigned|auto|inline|bool)$/;

/** Scalar fields of the kernel's structs, bitfields among them, where only one struct has the name. */
function someFields(btf: Btf): KernelField[] {
  const fields: KernelField[] = [];
  for (let id = 1; id < btf.endId; id += 7) {
    const struct = btf.kind(id) === BtfKind.STRUCT ? btf.name(id) : '';
    if (!/^[a-z]\w*$/.test(struct) || btf.candidates(struct, [BtfKind.STRUCT]).length !== 1) continue;
    for (let i = 0; i < btf.vlen(id); i++) {
      const name = btf.memberName(id, i);
      const declaration = declarationOf(btf, btf.memberType(id, i), name, btf.memberBitfieldSize(id, i));
      if (name !== '' && !keywords.test(name) && declaration !== undefined)
        fields.push({ struct, name, declaration });
    }
  }
  // Bitfields are rare, so they are there several times.
  const bitfields = fields.filter(({ declaration }) => declaration.includes(':'));
  return [...fields, ...bitfields, ...bitfields, ...bitfields];
}

function declarationOf(btf: Btf, typeId: number, name: string, width: number): string | undefined {
  const id = btf.resolve(typeId);
  switch (btf.kind(id)) {
    case BtfKind.PTR:
      return `void *${name}`;
    case BtfKind.ENUM:
      return width === 0 ? `enum {} ${name}`.replace('{}', `{ LOCAL_${id}_${name} }`) : undefined;
    case BtfKind.INT: {
      const encoding = btf.intEncoding(id);
      const type = { 1: 'char', 2: 'short', 4: 'int', 8: 'long long' }[btf.size(id)];
      if (type === undefined) return undefined;
      const base =
        encoding & IntEncoding.BOOL
          ? '_Bool'
          : `${encoding & IntEncoding.SIGNED ? 'signed' : 'unsigned'} ${type}`;
      return width === 0 ? `${base} ${name}` : `${base} ${name} : ${width}`;
    }
    default:
      return undefined;
  }
}
