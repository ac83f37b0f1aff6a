import { expect, test } from 'vitest';
import { Btf, BtfKind } from '../btf';
import { parseObject, ProgramType } from '../object';
import { relocateObject, type RelocatedProgram } from '../relocate';
import { compile } from '../../../../tools/testing/compile';
import { withContextArguments } from './context-arguments';

const source = `
  struct pt_regs { long ip; };
  struct xdp_md { int data; };
  struct other { int x; };
  #define __ctx __attribute__((btf_decl_tag("arg:ctx")))
  #define __out __attribute__((noinline))
  __out int any(int x, void *c __ctx) { asm volatile("" :: "r"(c)); return x; }
  __out int registers(struct pt_regs *c __ctx) { asm volatile("" :: "r"(c)); return 1; }
  __out int right(struct xdp_md *c __ctx) { asm volatile("" :: "r"(c)); return 1; }
  __out int wrong(struct other *c __ctx) { asm volatile("" :: "r"(c)); return 1; }
  __out int plain(void *c) { asm volatile("" :: "r"(c)); return 1; }
  static __out int internal(void *c __ctx) { asm volatile("" :: "r"(c)); return 1; }
  #define SEC(n) __attribute__((section(n), used))
  SEC("xdp") int of_xdp(void *c) {
    return any(1, c) + registers(c) + right(c) + wrong(c) + plain(c) + internal(c); }
  SEC("kprobe/f") int of_kprobe(void *c) { return any(1, c) + registers(c); }
  SEC("xdp") int alone(void *c) { return plain(c); }
`;
const object = relocateObject(parseObject(compile(source), { name: 'o' }), {
  btf: () => Btf.parse(new Uint8Array()),
});

/** Each function of a program, with the types of its parameters; undefined where nothing changes. */
function parameters(name: string, type: number): string[] | undefined {
  const program: RelocatedProgram = object.programs.find((each) => each.name === name)!;
  const types = withContextArguments({ btf: object.btf!, funcInfo: program.funcInfo }, type);
  if (types === undefined) return undefined;
  const btf = Btf.parse(types.btf);
  expect(types.funcInfo).toHaveLength(program.funcInfo.length);
  const words = new Uint32Array(types.funcInfo.buffer.slice(0));
  return Array.from({ length: words.length / 2 }, (_, i) => {
    const fn = words[2 * i + 1]!;
    const all = Array.from({ length: btf.vlen(btf.type(fn)) }, (_, k) =>
      btf.describe(btf.paramType(btf.type(fn), k)),
    );
    return `${btf.name(fn)}(${all.join(', ')})`;
  });
}

test('a tagged parameter gets the struct of the type of the program, one of another struct stays', () => {
  expect(parameters('of_xdp', ProgramType.xdp)).toEqual([
    'of_xdp(void *)',
    'any(int, struct xdp_md *)',
    'registers(struct pt_regs *)',
    'right(struct xdp_md *)',
    'wrong(struct other *)',
    'plain(void *)',
    'internal(void *)',
  ]);
  expect(parameters('of_kprobe', ProgramType.kprobe)).toEqual([
    'of_kprobe(void *)',
    'any(int, struct bpf_user_pt_regs_t *)',
    'registers(struct bpf_user_pt_regs_t *)',
  ]);
});

test('nothing changes without a tag, and where a context has no name', () => {
  expect(parameters('alone', ProgramType.xdp)).toBeUndefined();
  expect(parameters('of_xdp', ProgramType.tracing)).toBeUndefined();
});

test('the tag is on the new function, too, and what was there keeps its id', () => {
  const program = object.programs.find(({ name }) => name === 'of_xdp')!;
  const { btf: bytes } = withContextArguments(
    { btf: object.btf!, funcInfo: program.funcInfo },
    ProgramType.xdp,
  )!;
  const [before, after] = [Btf.parse(object.btf!), Btf.parse(bytes)];
  for (let id = 1; id < before.endId; id++) expect(after.describe(id)).toBe(before.describe(id));
  const tag = after.endId - 1;
  expect([after.kind(tag), after.name(tag), after.name(after.type(tag))]).toEqual([
    BtfKind.DECL_TAG,
    'arg:ctx',
    'any',
  ]);
});
