import { describe, expect, test } from 'vitest';
import { compile } from '../../../../tools/testing/compile';
import { imm, PSEUDO_MAP_VALUE, src } from '../asm';
import { parseObject } from '../object';
import { decodeRelocated } from './decode';
import { encodeRelocated } from './encode';
import { relocateObject } from './relocate-object';

/** A function that jumps through a table, as clang writes one for cpu v4: entries are bytes from the section's start. */
const jumping = (name: string, entries: string) => `
  __attribute__((naked)) int ${name}(void *ctx) {
    asm volatile(".pushsection .jumptables,\\"\\",@progbits;"
      "${name}_table: ${entries}; .size ${name}_table, . - ${name}_table; .global ${name}_table; .popsection;"
      "r0 = ${name}_table ll; r0 = *(u64 *)(r0 + 8); .8byte 0x0d;"
      "${name}_0: r0 = 0; exit; ${name}_1: r0 = 1; exit"); }`;
const source = (entries: string) => `
  #define SEC(name) __attribute__((section(name), used))
  SEC("socket") int first(void *ctx) { return 3; }
  SEC("socket") ${jumping('second', entries)}
  int second(void *ctx);
  SEC("xdp") int caller(void *ctx) { return second(ctx) + 1; }
`;
const both = '.quad second_0 - socket; .quad second_1 - socket';

describe('jump tables', () => {
  const spec = parseObject(compile(source(both)), { name: 'o' });
  const relocated = relocateObject(spec, { btf: () => spec.btf! });

  test('targets are instructions of the program, wherever its function is in it', () => {
    const tables = relocated.programs.map(({ name, instructions, bindings }) => {
      const [table, ...more] = bindings;
      expect(more).toEqual([]);
      if (table?.kind !== 'jump-table') return [name, table];
      expect(src(instructions, table.insn)).toBe(PSEUDO_MAP_VALUE);
      const returned = table.targets.map((target) => imm(instructions, target));
      return [name, table.insn, table.targets.map((target) => target - table.insn), returned];
    });
    expect(tables).toEqual([
      ['first', undefined],
      ['second', 0, [4, 6], [0, 1]],
      ['caller', expect.any(Number), [4, 6], [0, 1]],
    ]);
    const caller = relocated.programs.find(({ name }) => name === 'caller')!;
    expect(caller.bindings[0]!.insn).toBeGreaterThan(0);
  });

  test('they are kept in the stored form', () => {
    const stored = decodeRelocated(encodeRelocated(relocated));
    expect(stored.programs.map(({ bindings }) => bindings)).toEqual(
      relocated.programs.map(({ bindings }) => bindings),
    );
  });

  test.each([
    [
      'an entry outside of the function',
      '.quad first - socket',
      /a jump to byte 0.*an instruction of the same function/,
    ],
    ['an entry inside an instruction', '.quad second_0 - socket + 4', /a jump to byte \d+/],
    ['a table of half an entry', '.long 0', /4 bytes of section '\.jumptables'.*a whole table/],
  ])('%s', (_, entries, message) => {
    expect(() => parseObject(compile(source(entries)), { name: 'o' })).toThrow(message);
  });
});
