import { describe, expect, test } from 'vitest';
import { compile, type CompileOptions } from '../../../../../tools/testing/compile';
import { dst, imm, imm64, isLdImm64, off, opcode, SLOT, slotCount, toCanonical } from '../../asm';
import { Btf, BtfExt } from '../../btf';
import { ElfFile } from '../../elf';
import { BpfError } from '../../errors';
import { type FunctionSpec } from '../../object';
import { type TargetKernel } from '../target';
import { POISON_CALL } from './patch';
import { relocateFunction, type RelocatedFunction } from './relocate-function';
import { CoreResolver } from './resolve';

const header = `
  typedef unsigned char u8; typedef unsigned short u16; typedef unsigned int u32; typedef unsigned long long u64;
  typedef signed char s8; typedef short s16; typedef int s32; typedef long long s64;
  #define CORE __attribute__((preserve_access_index))
  #define OFFSET(access) __builtin_preserve_field_info(access, 0)
  #define SIZE(access) __builtin_preserve_field_info(access, 1)
  #define EXISTS(access) __builtin_preserve_field_info(access, 2)
  #define SIGNED(access) __builtin_preserve_field_info(access, 3)
  #define LSHIFT(access) __builtin_preserve_field_info(access, 4)
  #define RSHIFT(access) __builtin_preserve_field_info(access, 5)
  #define ID_LOCAL(type) __builtin_btf_type_id(*(type *)0, 0)
  #define ID_TARGET(type) __builtin_btf_type_id(*(type *)0, 1)
  #define TYPE_EXISTS(type) __builtin_preserve_type_info(*(type *)0, 0)
  #define TYPE_SIZE(type) __builtin_preserve_type_info(*(type *)0, 1)
  #define TYPE_MATCHES(type) __builtin_preserve_type_info(*(type *)0, 2)
  #define VALUE_EXISTS(type, value) __builtin_preserve_enum_value(*(type *)value, 0)
  #define VALUE(type, value) __builtin_preserve_enum_value(*(type *)value, 1)
  #define Q(name, ...) u64 name(void *p) { return __VA_ARGS__; }
`;

/** An object's functions, each with its relocations, as far as CO-RE looks at them. */
class Fixture {
  readonly btf: Btf;
  readonly functions = new Map<string, FunctionSpec>();

  constructor(source: string, options?: CompileOptions) {
    const elf = ElfFile.parse(compile(header + source, options), { object: 'local.o' });
    const data = (name: string): Uint8Array => elf.section(name)!.data;
    this.btf = Btf.parse(data('.BTF'));
    const ext = BtfExt.parse(data('.BTF.ext'), this.btf, { object: 'local.o' });
    const records = ext.coreRelocations('.text');
    const lines = ext.lineInfo('.text');
    for (let i = 0; i < elf.symbols.count; i++) {
      if (elf.symbols.type(i) !== 2) continue;
      const start = elf.symbols.value(i);
      const end = start + elf.symbols.size(i);
      this.functions.set(elf.symbols.name(i), {
        name: elf.symbols.name(i),
        section: '.text',
        offset: start,
        instructions: toCanonical(data('.text').subarray(start, end), elf.littleEndian),
        binding: 'global',
        hidden: false,
        references: [],
        typeId: 0,
        lineInfo: within(lines, start, end),
        coreRelocations: within(records, start, end),
      });
    }
  }

  relocate(name: string, resolver: CoreResolver): RelocatedFunction {
    return relocateFunction('local.o', this.btf, this.functions.get(name)!, resolver);
  }
}

/** The records of a function, with instructions instead of bytes. */
function within(records: Uint32Array, start: number, end: number): Uint32Array {
  const words: number[] = [];
  for (let at = 0; at < records.length; at += 4) {
    const offset = records[at]!;
    if (offset >= start && offset < end)
      words.push((offset - start) / SLOT, ...records.subarray(at + 1, at + 4));
  }
  return Uint32Array.from(words);
}

/** Types of a kernel: what a C file declares, kept by variables and functions that use them. */
function kernelTypes(source: string, options?: CompileOptions): Btf {
  const elf = ElfFile.parse(compile(header + source, options), { object: 'kernel.o' });
  return Btf.parse(elf.section('.BTF')!.data);
}

function core(local: string, target: string): (name: string) => RelocatedFunction {
  const fixture = new Fixture(local);
  const types = kernelTypes(target);
  const resolver = new CoreResolver(fixture.btf, { btf: () => types });
  return (name) => fixture.relocate(name, resolver);
}

/** What a function returns whose whole body is one relocated constant. */
function constant({ instructions }: RelocatedFunction): bigint {
  for (let i = 0; i < slotCount(instructions); i++) {
    if (isLdImm64(instructions, i)) return BigInt.asIntN(64, imm64(instructions, i));
    const code = opcode(instructions, i);
    if ((code === 0xb7 || code === 0xb4) && dst(instructions, i) < 3) return BigInt(imm(instructions, i));
  }
  throw new Error('no constant');
}

/** Offset and width in bytes of the first load or store. */
function access({ instructions }: RelocatedFunction): { off: number; bytes: number } {
  for (let i = 0; i < slotCount(instructions); i++) {
    const code = opcode(instructions, i);
    if ([1, 2, 3].includes(code & 7))
      return { off: off(instructions, i), bytes: [4, 2, 1, 8][(code >> 3) & 3]! };
  }
  throw new Error('no load or store');
}

function isPoison(instructions: Uint8Array, i: number): boolean {
  return opcode(instructions, i) === 0x85 && imm(instructions, i) === POISON_CALL;
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

describe('fields', () => {
  const local = `
    struct inner { u32 a; u64 b; } CORE;
    struct outer { u32 x; struct inner in; struct inner array[4]; union { u32 first; u64 second; }; u8 tail[]; } CORE;
    struct outer___flavour { u64 second; s32 gone; } CORE;
    Q(offset_x, OFFSET(((struct outer *)p)->x))
    Q(offset_b, OFFSET(((struct outer *)p)->in.b))
    Q(offset_element, OFFSET(((struct outer *)p)->array[2].b))
    Q(offset_anonymous, OFFSET(((struct outer *)p)->second))
    Q(offset_tail, OFFSET(((struct outer *)p)->tail[7]))
    Q(offset_flavour, OFFSET(((struct outer___flavour *)p)->second))
    Q(offset_second_struct, OFFSET(((struct outer *)p)[1].x))
    Q(size_in, SIZE(((struct outer *)p)->in))
    Q(size_element, SIZE(((struct outer *)p)->array[1]))
    Q(exists_x, EXISTS(((struct outer *)p)->x))
    Q(exists_gone, EXISTS(((struct outer___flavour *)p)->gone))
    Q(exists_element, EXISTS(((struct outer *)p)->array[3]))
    Q(size_gone, SIZE(((struct outer___flavour *)p)->gone))
    Q(load_b, ((struct outer *)p)->in.b)
    Q(load_gone, ((struct outer___flavour *)p)->gone)
    void store_x(struct outer *p) { p->x = 7; }
  `;
  const target = `
    struct inner { u64 pad; u64 b; u32 more; u32 a; };
    struct outer {
      u64 pad[3];
      union { struct { u8 shifted; struct { u16 deep; union { u32 first; u64 second; }; }; }; };
      struct inner array[3]; u32 x; struct inner in; u8 tail[];
    } o;
  `;
  const relocate = core(local, target);
  test.each([
    ['offset_x', 24 + 24 + 3 * 24],
    ['offset_b', 24 + 24 + 3 * 24 + 8 + 8],
    ['offset_element', 24 + 24 + 2 * 24 + 8],
    ['offset_anonymous', 24 + 16],
    ['offset_tail', 24 + 24 + 3 * 24 + 8 + 24 + 7],
    ['offset_flavour', 24 + 16],
    ['offset_second_struct', 152 + 24 + 24 + 3 * 24],
    ['size_in', 24],
    ['size_element', 24],
    ['exists_x', 1],
    ['exists_gone', 0],
    ['exists_element', 0],
  ])('%s', (name, value) => {
    expect(constant(relocate(name))).toBe(BigInt(value));
  });

  test('loads and stores get the offset', () => {
    expect(access(relocate('load_b'))).toEqual({ off: 136, bytes: 8 });
    expect(access(relocate('store_x'))).toEqual({ off: 120, bytes: 4 });
  });

  test('what is not there is poisoned, and named', () => {
    const { instructions, poisoned } = relocate('load_gone');
    expect(poisoned).toEqual([
      {
        insn: 0,
        kind: 'byte_off',
        target: 'struct outer___flavour.gone',
        access: '0:1',
        reason: 'this kernel does not have it',
        file: expect.stringMatching(/test\.bpf\.c$/) as string,
        line: expect.any(Number) as number,
      },
    ]);
    expect(isPoison(instructions, 0)).toBe(true);
    expect(relocate('size_gone').poisoned).toMatchObject([{ kind: 'byte_sz' }]);
  });
});

describe('widths', () => {
  const local = `
    struct s { u64 narrow; u32 wide; void *pointer; s32 sign; u16 words[4]; u64 same; struct s *self; } CORE;
    Q(narrow, ((struct s *)p)->narrow)
    Q(wide, ((struct s *)p)->wide)
    Q(sign, ((struct s *)p)->sign)
    Q(words, ((struct s *)p)->words[1])
    Q(same, ((struct s *)p)->same)
    void store_narrow(struct s *p) { p->narrow = 1; }
    Q(size_sign, SIZE(((struct s *)p)->sign))
  `;
  const target = `struct s { u8 pad; u64 wide; u32 narrow; s64 sign; u32 words[4]; u64 same; } s;`;
  const relocate = core(local, target);

  test('loads and stores of unsigned integers follow the field', () => {
    expect(access(relocate('narrow'))).toEqual({ off: 16, bytes: 4 });
    expect(access(relocate('wide'))).toEqual({ off: 8, bytes: 8 });
    expect(access(relocate('words'))).toEqual({ off: 36, bytes: 4 });
    expect(access(relocate('store_narrow'))).toEqual({ off: 16, bytes: 4 });
    expect(access(relocate('same'))).toEqual({ off: 48, bytes: 8 });
  });

  test('a signed field of another width is poisoned, its size is not', () => {
    const { instructions, poisoned } = relocate('sign');
    expect(isPoison(instructions, 0)).toBe(true);
    expect(poisoned[0]!.reason).toContain('8 bytes in this kernel and 4 in the object');
    expect(constant(relocate('size_sign'))).toBe(8n);
  });
});

describe('bitfields', () => {
  const local = `
    struct bits { u32 a : 3; u32 b : 7; s32 c : 5; s64 d : 33; } CORE;
    Q(offset, OFFSET(((struct bits *)p)->b)) Q(size, SIZE(((struct bits *)p)->b))
    Q(left, LSHIFT(((struct bits *)p)->b)) Q(right, RSHIFT(((struct bits *)p)->b))
    Q(sign_b, SIGNED(((struct bits *)p)->b)) Q(sign_c, SIGNED(((struct bits *)p)->c))
    Q(offset_a, OFFSET(((struct bits *)p)->a)) Q(left_a, LSHIFT(((struct bits *)p)->a))
    Q(right_a, RSHIFT(((struct bits *)p)->a)) Q(size_a, SIZE(((struct bits *)p)->a))
    Q(right_d, RSHIFT(((struct bits *)p)->d)) Q(size_c, SIZE(((struct bits *)p)->c))
  `;
  // b is bits 45 to 55, in the second u32 from 32 on; c has become a plain field; a too, unsigned.
  const target = `
    struct bits { u64 pad; u32 b_pad; u32 gap : 13; u32 b : 11; u8 a; s16 c; s64 d : 40; } bits;
  `;
  const relocate = core(local, target);
  test.each([
    ['offset', 12],
    ['size', 4],
    ['left', 64 - 24],
    ['right', 64 - 11],
    ['sign_b', 0],
    ['sign_c', 1],
    ['offset_a', 15],
    ['left_a', 56],
    ['right_a', 56],
    ['size_a', 1],
    ['right_d', 24],
    ['size_c', 2],
  ])('%s', (name, value) => {
    expect(constant(relocate(name))).toBe(BigInt(value));
  });

  test('a packed bitfield over two words needs the next bigger load, one over nine bytes has none', () => {
    const source = `struct packed { u64 pad; u32 x : 9; } CORE;
      Q(offset, OFFSET(((struct packed *)p)->x)) Q(size, SIZE(((struct packed *)p)->x))
      Q(left, LSHIFT(((struct packed *)p)->x))`;
    const same = core(source, `struct packed { u64 pad : 30; u32 x : 9; } __attribute__((packed)) v;`);
    expect(['offset', 'size', 'left'].map((name) => constant(same(name)))).toEqual([0n, 8n, 64n - 39n]);
    const nine = core(source, `struct packed { u64 pad : 60; u64 x : 9; } __attribute__((packed)) v;`);
    expect(failure(() => nine('offset')).message).toContain('a bitfield of 9 bits at bit 60');
  });

  test('shifts in a big-endian kernel count from the other end', () => {
    const source = `struct bits { u32 a : 3; u32 b : 7; } CORE; Q(left, LSHIFT(((struct bits *)p)->b))`;
    const fixture = new Fixture(source, { bigEndian: true });
    const types = kernelTypes(`struct bits { u32 a : 5; u32 b : 7; } b;`, { bigEndian: true });
    const resolver = new CoreResolver(fixture.btf, { btf: () => types });
    expect(constant(fixture.relocate('left', resolver))).toBe(32n + 5n);
  });
});

describe('enums', () => {
  const local = `
    enum e { ONE = 1, TWO = 2, GONE = 3, MINUS = -1 };
    enum wide { BIG = 1 }; enum u { TOP = 0x80000000u };
    enum e___old { TWO___old = 9 };
    Q(one, VALUE(enum e, ONE)) Q(two, VALUE(enum e, TWO)) Q(minus, VALUE(enum e, MINUS))
    Q(two_old, VALUE(enum e___old, TWO___old)) Q(big, VALUE(enum wide, BIG))
    Q(one_exists, VALUE_EXISTS(enum e, ONE)) Q(gone_exists, VALUE_EXISTS(enum e, GONE)) Q(gone, VALUE(enum e, GONE))
    Q(top, VALUE(enum u, TOP))
  `;
  const relocate = core(
    local,
    `enum e { ZERO, TWO = 22, ONE = 11, MINUS = -5 } e; enum wide { BIG = 0x1234567890 } w; enum u { TOP = 0xfffffff0u } u;`,
  );
  test.each([
    ['one', 11n],
    ['two', 22n],
    ['minus', -5n],
    ['two_old', 22n],
    ['big', 0x1234567890n],
    ['one_exists', 1n],
    ['gone_exists', 0n],
    ['top', 0xfffffff0n],
  ])('%s', (name, value) => {
    expect(constant(relocate(name))).toBe(value);
  });

  test('both slots of a value that is not there are poisoned', () => {
    const { instructions, poisoned } = relocate('gone');
    expect([isPoison(instructions, 0), isPoison(instructions, 1), isPoison(instructions, 2)]).toEqual([
      true,
      true,
      false,
    ]);
    expect(poisoned).toMatchObject([{ kind: 'enumval_value', target: 'enum e::GONE', access: '2' }]);
  });
});

describe('types', () => {
  const local = `
    struct s { int a; }; struct none { int a; }; typedef struct s alias; typedef int number; union un { int a; };
    enum e { A, B }; struct small { int a; char b; };
    Q(id_local, ID_LOCAL(struct s)) Q(id_target, ID_TARGET(struct s)) Q(id_none, ID_TARGET(struct none))
    Q(exists, TYPE_EXISTS(struct s)) Q(exists_none, TYPE_EXISTS(struct none)) Q(exists_union, TYPE_EXISTS(union un))
    Q(exists_alias, TYPE_EXISTS(alias)) Q(exists_number, TYPE_EXISTS(number)) Q(exists_enum, TYPE_EXISTS(enum e))
    Q(size, TYPE_SIZE(struct s)) Q(size_none, TYPE_SIZE(struct none)) Q(size_alias, TYPE_SIZE(alias))
  `;
  const target = `
    struct s { long a; long b; } s; typedef struct s alias; alias al; typedef struct s *number; number n;
    struct un { int a; } u; enum e { A = 0x100000000 } e;
  `;
  const relocate = core(local, target);
  const types = kernelTypes(target);
  test.each([
    ['id_target', types.find('s', 4)],
    ['id_none', 0],
    ['exists', 1],
    ['exists_none', 0],
    ['exists_union', 0],
    ['exists_alias', 1],
    ['exists_number', 0],
    ['exists_enum', 1],
    ['size', 16],
    ['size_none', 0],
    ['size_alias', 16],
  ])('%s', (name, value) => {
    expect(constant(relocate(name))).toBe(BigInt(value));
  });

  test('a local id needs no kernel', () => {
    const fixture = new Fixture(local);
    const resolver = new CoreResolver(fixture.btf, {
      btf: () => {
        throw new Error('the kernel was asked');
      },
    });
    expect(constant(fixture.relocate('id_local', resolver))).toBe(BigInt(fixture.btf.find('s', 4)));
    expect(() => fixture.relocate('exists', resolver)).toThrow('the kernel was asked');
  });
});

test.each<[string, string, string, number]>([
  ['the same', 'struct s { int a; };', 'struct s { int a; };', 1],
  [
    'members in another order, and more',
    'struct s { int a; char b; };',
    'struct s { char b; long c; int a; };',
    1,
  ],
  ['a member less', 'struct s { int a; char b; };', 'struct s { int a; long c; };', 0],
  ['a narrower integer', 'struct s { int a; };', 'struct s { short a; };', 0],
  ['another sign', 'struct s { int a; };', 'struct s { unsigned a; };', 0],
  ['a flavour', 'struct s___x { int a___y; };\n#define s s___x\n', 'struct s { int a; };', 1],
  [
    'a pointer to another struct of the name',
    'struct t { int a; }; struct s { struct t *t; };',
    'struct t { long b; }; struct s { struct t *t; };',
    1,
  ],
  [
    'a struct that does not match inside',
    'struct t { int a; }; struct s { struct t t; };',
    'struct t { long b; }; struct s { struct t t; };',
    0,
  ],
  [
    'a forward declaration behind a pointer',
    'struct t; struct s { struct t *t; };',
    'struct t { long b; }; struct s { struct t *t; };',
    1,
  ],
  [
    'a forward declaration of a union',
    'struct t; struct s { struct t *t; };',
    'union t { long b; }; struct s { union t *t; };',
    0,
  ],
  ['an array of another length', 'struct s { int a[3]; };', 'struct s { int a[4]; };', 0],
  [
    'an enum with a value more',
    'enum e { A }; struct s { enum e e; };',
    'enum e { B, A }; struct s { enum e e; };',
    1,
  ],
  [
    'an enum with a value less',
    'enum e { A, C }; struct s { enum e e; };',
    'enum e { A, B, D }; struct s { enum e e; };',
    0,
  ],
  ['functions', 'struct s { int (*f)(int, char *); };', 'struct s { int (*f)(int, char *); };', 1],
  [
    'functions with other parameters',
    'struct s { int (*f)(int, char *); };',
    'struct s { int (*f)(int, int); };',
    0,
  ],
  ['functions with a parameter more', 'struct s { int (*f)(int); };', 'struct s { int (*f)(int, int); };', 0],
])('type_matches: %s', (_, local, target, expected) => {
  const relocate = core(`${local} Q(matches, TYPE_MATCHES(struct s))`, `${target} struct s v;`);
  expect(constant(relocate('matches'))).toBe(BigInt(expected));
});

test.each<[string, string, string, number]>([
  ['an int for a long', 'int f;', 'long f;', 1],
  ['an int for a pointer', 'int f;', 'void *f;', 0],
  ['any pointers', 'int *f;', 'struct other *f;', 1],
  ['any structs and unions', 'struct { int a; } f;', 'union { long b; } f;', 1],
  ['arrays of what is compatible', 'int f[2];', 'char f[9];', 1],
  ['arrays of what is not', 'int f[2];', 'void *f[2];', 0],
  ['enums of one name', 'enum e { A } f;', 'enum e { B } f;', 1],
  ['enums of two names', 'enum e { A } f;', 'enum other { A } f;', 0],
  ['enums of which one has no name', 'enum e { A } f;', 'enum { A } f;', 1],
  ['an enum of 64 bits', 'enum e { A } f;', 'enum e { A = 0x100000000 } f;', 1],
  ['an enum for an int', 'enum e { A } f;', 'int f;', 0],
])('compatible fields: %s', (_, local, target, expected) => {
  const relocate = core(
    `struct s { ${local} } CORE; Q(exists, EXISTS(((struct s *)p)->f))`,
    `struct s { char pad; ${target} } v;`,
  );
  expect(constant(relocate('exists'))).toBe(BigInt(expected));
});

describe('several types of one name', () => {
  const local = `
    struct s { int a; int b; int only; } CORE;
    Q(offset_a, OFFSET(((struct s *)p)->a)) Q(offset_b, OFFSET(((struct s *)p)->b))
    Q(offset_only, OFFSET(((struct s *)p)->only)) Q(exists_only, EXISTS(((struct s *)p)->only))
  `;
  // The two flavours have the same essential name, and so has the local type.
  const target = `
    struct s { int a; int b; } one; struct s___two { int a; int pad; int b; int only; } two;
  `;

  test('they must agree', () => {
    const error = failure(() => core(local, target)('offset_b'));
    expect(error.code).toBe('CORE_AMBIGUOUS');
    expect(error.message).toMatch(
      /local\.o: function 'offset_b', instruction 0 \(.*:\d+\): struct s\.b means several types.*found 4 at bit 32 in vmlinux \[\d+\] struct s and 8 at bit 64/,
    );
  });

  test('where they agree, both stay', () => {
    expect(constant(core(local, target)('offset_a'))).toBe(0n);
  });

  test('a field that one of them has decides for those asked later', () => {
    const relocate = core(local, target);
    expect(constant(relocate('offset_only'))).toBe(12n);
    expect(constant(relocate('offset_b'))).toBe(8n);
  });

  test('a field that none of them has decides nothing', () => {
    const relocate = core(
      local,
      'struct s { int a; int b; } one; struct s___two { int a; int pad; int b; } two;',
    );
    expect(constant(relocate('exists_only'))).toBe(0n);
    expect(failure(() => relocate('offset_b')).code).toBe('CORE_AMBIGUOUS');
  });
});

describe('modules', () => {
  const local = `struct in_module { int a; } CORE; struct both { int a; } CORE;
    Q(module, OFFSET(((struct in_module *)p)->a)) Q(both, OFFSET(((struct both *)p)->a))`;

  test('are asked only for what vmlinux does not have', () => {
    const fixture = new Fixture(local);
    const vmlinux = kernelTypes('struct both { int pad; int a; } v;');
    const module = kernelTypes('struct both { int a; } v; struct in_module { long pad; int a; } m;');
    const asked: string[] = [];
    const target: TargetKernel = {
      btf: () => vmlinux,
      moduleNames: () => ['broken', 'good'],
      moduleBtf: (name) => {
        asked.push(name);
        return name === 'good' ? module : undefined;
      },
    };
    const resolver = new CoreResolver(fixture.btf, target);
    expect(constant(fixture.relocate('both', resolver))).toBe(4n);
    expect(asked).toEqual([]);
    expect(constant(fixture.relocate('module', resolver))).toBe(8n);
    expect(asked).toEqual(['broken', 'good']);
  });
});

describe('relocations that make no sense', () => {
  const fixture = new Fixture(`struct s { int a; int b; } CORE; Q(load, ((struct s *)p)->b)`);
  const types = kernelTypes('struct s { char pad[40000]; int b; } v;');
  const load = fixture.functions.get('load')!;
  const [, typeId, accessString, kind] = load.coreRelocations;
  const strings = (text: string): number => {
    for (let at = 1; at < fixture.btf.stringEnd; at++) if (fixture.btf.string(at) === text) return at;
    throw new Error(`no string ${text}`);
  };
  const relocate = (record: number[], instructions = load.instructions): unknown =>
    relocateFunction(
      'local.o',
      fixture.btf,
      { ...load, instructions, coreRelocations: Uint32Array.from(record) },
      new CoreResolver(fixture.btf, { btf: () => types }),
    );

  test.each<[string, number[], string]>([
    ['an unknown kind', [0, typeId!, accessString!, 13], 'found 13, expected 0 to 12'],
    ['an instruction outside', [99, typeId!, accessString!, kind!], 'instruction 99'],
    ['no access string', [0, typeId!, 0, kind!], "found ''"],
    ['a word for an access string', [0, typeId!, strings('load'), kind!], "found 'load'"],
    [
      'a field of an integer',
      [0, fixture.btf.find('int', 1), accessString!, kind!],
      'found int, expected a struct',
    ],
    ['an enum value of a struct', [0, typeId!, accessString!, 11], 'found struct s, expected an enum'],
    ['a type with an access', [0, typeId!, accessString!, 8], "expected '0'"],
    [
      'an offset beyond 16 bits',
      [0, typeId!, accessString!, kind!],
      '40000 does not fit into a 16-bit offset',
    ],
  ])('%s', (_, record, message) => {
    const error = failure(() => relocate(record));
    expect(error.code).toBe('CORE_INVALID');
    expect(error.message).toContain(message);
    expect(error.fields).toMatchObject({ object: 'local.o', section: '.text' });
  });

  test('an instruction with another value than the compiler’s', () => {
    const instructions = load.instructions.slice();
    instructions[2] = 9;
    expect(failure(() => relocate([...load.coreRelocations], instructions)).message).toContain(
      'found 9, expected 4',
    );
  });
});
