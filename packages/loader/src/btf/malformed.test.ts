import { describe, expect, test } from 'vitest';
import { btfSample, btfSections, dumpRaw } from '../../../../tools/testing/btf';
import { compile } from '../../../../tools/testing/compile';
import { BpfError } from '../errors';
import { Btf, BtfBuilder, BtfExt, BtfKind, decodeValue, IntEncoding } from '.';

const sample = btfSections(compile(btfSample));
const foreign = btfSections(compile(btfSample, { bigEndian: true }));
const sound = Btf.parse(sample.btf);

/** Calls everything that can be asked of some BTF. Once it is parsed, only what has no size may fail. */
function exercise(btf: Btf): void {
  dumpRaw(btf);
  for (let id = btf.firstId; id < btf.endId; id++) {
    btf.describe(id);
    btf.resolve(id);
    btf.skipModifiers(id);
    btf.find(btf.name(id), btf.kind(id));
    onlyBpfError(() => btf.alignment(id));
    onlyBpfError(() => decodeValue(btf, id, new Uint8Array(Math.min(btf.byteSize(id), 4096)), 0));
  }
}

/** True when it went well; a BpfError is allowed, anything else is not. */
function onlyBpfError(action: () => void): boolean {
  try {
    action();
    return true;
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    expect(error.code).toBe('BTF_MALFORMED');
    return false;
  }
}

/** The same numbers in every run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describe('only BpfError leaves', () => {
  test('BTF that ends at any byte', () => {
    for (let length = 0; length < sample.btf.length; length++) {
      expect(onlyBpfError(() => Btf.parse(sample.btf.slice(0, length)))).toBe(false);
    }
  });

  test('ext info that ends at any byte', () => {
    for (let length = 0; length < sample.ext.length; length++) {
      expect(onlyBpfError(() => BtfExt.parse(sample.ext.slice(0, length), sound))).toBe(false);
    }
  });

  test.each([
    ['little endian', sample.btf],
    ['big endian', foreign.btf],
  ])('BTF with random bytes changed, %s', (_, bytes) => {
    const next = random(1);
    let accepted = 0;
    for (let round = 0; round < 1500; round++) {
      const damaged = bytes.slice();
      for (let i = next(3); i >= 0; i--) damaged[next(damaged.length)] = next(256);
      let btf: Btf | undefined;
      onlyBpfError(() => (btf = Btf.parse(damaged)));
      if (btf === undefined) continue;
      accepted++;
      exercise(btf);
    }
    // Most changes hit a name or a number that can be anything: were all refused, nothing would be tested here.
    expect(accepted).toBeGreaterThan(300);
    expect(accepted).toBeLessThan(1500);
  });

  test('ext info with random bytes changed', () => {
    const next = random(2);
    for (let round = 0; round < 1500; round++) {
      const damaged = sample.ext.slice();
      for (let i = next(3); i >= 0; i--) damaged[next(damaged.length)] = next(256);
      onlyBpfError(() => {
        const ext = BtfExt.parse(damaged, sound);
        for (const section of ext.sections()) ext.lineInfo(section);
      });
    }
  });
});

/** The sample's bytes with some 32-bit words of the header changed. */
function withHeader(changes: Record<number, number>): Uint8Array {
  const bytes = sample.btf.slice();
  const view = new DataView(bytes.buffer);
  for (const [offset, value] of Object.entries(changes)) view.setUint32(Number(offset), value, true);
  return bytes;
}

function built(write: (builder: BtfBuilder, int: number) => void): Uint8Array {
  const builder = new BtfBuilder();
  write(builder, builder.int('int', 4, IntEncoding.SIGNED));
  return builder.build();
}

const deep = built((builder, int) => {
  let type = int;
  for (let i = 0; i < 300; i++) type = builder.pointer(type);
});

test('an enum that is only declared, and types built up deeper than the kernel allows, are taken', () => {
  expect(() =>
    Btf.parse(btfSections(compile('enum later; int f(enum later *e) { return e != 0; }')).btf),
  ).not.toThrow();
  const nested = built((builder, int) => {
    let type = int;
    for (let i = 0; i < 150; i++) type = builder.pointer(type);
  });
  expect(() => Btf.parse(nested)).not.toThrow();
});

describe('what is wrong is said with where it is', () => {
  test.each<[string, Uint8Array, string]>([
    ['no magic', withHeader({ 0: 0x12345678 }), 'this is not BTF: found magic 0x7856, expected 0xeb9f'],
    ['another version', withHeader({ 0: 0x0002eb9f }), 'BTF version 2 is not known'],
    ['a short header', withHeader({ 4: 8 }), 'the header says it is 8 bytes long'],
    ['types outside', withHeader({ 8: 0x7fffff00 }), "section '.BTF', offset 8: types:"],
    ['strings outside', withHeader({ 20: 0xffffffff }), "section '.BTF', offset 16: strings:"],
    ['types in part of a word', withHeader({ 12: 6 }), 'the types are 6 bytes, not whole words'],
    ['no strings', withHeader({ 20: 0 }), 'the string section is empty'],
    ['a string without end', withHeader({ 20: 3 }), 'the last string does not end'],
    ['an unknown kind', withHeader({ 28: 0x1f000000 }), 'a type has kind 31, which is not known'],
    [
      'a type that does not exist',
      built((b) => b.pointer(9)),
      'type [2] refers to type [9], but the last one is [2]',
    ],
    ['a typedef of itself', built((b) => b.typedef('a', 2)), 'contains itself, or is declared by itself'],
    [
      'a struct within itself',
      built((b) => b.struct('s', 4, [{ name: 'a', type: 2, bitOffset: 0 }])),
      'contains itself, or is declared by itself',
    ],
    ['a pointer to itself', built((b) => b.pointer(2)), 'contains itself, or is declared by itself'],
    ['pointers without end', deep, 'is built up of more than 200 others'],
    [
      'a member outside its struct',
      built((b, int) => b.struct('s', 4, [{ name: 'a', type: int, bitOffset: 40 }])),
      'has 4 bytes, but member 0 reaches to bit 40',
    ],
    ['an integer of 3 bytes', built((b) => b.int('odd', 3, 0)), 'has 3 bytes; 1, 2, 4, 8, 16 are possible'],
    ['a function without prototype', built((b, int) => b.func('f', int, 1)), 'is no prototype'],
    [
      'a section of types',
      built((b, int) => b.datasec('.data', 4, [{ type: int, offset: 0, size: 4 }])),
      'is neither variable nor function',
    ],
  ])('%s', (_, bytes, message) => {
    expect(() => Btf.parse(bytes, { object: 'x.o' })).toThrow(message);
    expect(() => Btf.parse(bytes, { object: 'x.o' })).toThrow('x.o');
  });

  test('the error carries section, offset and object', () => {
    try {
      Btf.parse(
        built((b) => b.pointer(9)),
        { object: 'x.o' },
      );
      expect.unreachable();
    } catch (error) {
      // Header of 24 bytes, an INT of 16.
      expect((error as BpfError).fields).toMatchObject({ object: 'x.o', section: '.BTF', offset: 40 });
    }
  });
});

describe('small BTF that would mean endless work', () => {
  test('unions that double with each level', () => {
    const bytes = built((builder, int) => {
      let type = int;
      for (let level = 0; level < 50; level++) {
        const members = ['a', 'b'].map((name) => ({ name, type, bitOffset: 0 }));
        type = builder.union(`level${level}`, 4, members);
      }
    });
    const btf = Btf.parse(bytes);
    const outermost = btf.find('level49', BtfKind.UNION);
    expect(() => decodeValue(btf, outermost, new Uint8Array(4), 0)).toThrow(
      'has too many values for its size',
    );
  });

  test('an array of nothing', () => {
    const bytes = built((builder, int) => {
      builder.array(builder.struct('nothing', 0, []), int, 0xffffffff);
    });
    const btf = Btf.parse(bytes);
    expect(btf.byteSize(3)).toBe(0);
    expect(() => decodeValue(btf, 3, new Uint8Array(4), 0)).toThrow('has too many values for its size');
  });

  test('an array of arrays of arrays', () => {
    const bytes = built((builder, int) => {
      let type = int;
      for (let i = 0; i < 4; i++) type = builder.array(type, int, 0xffffffff);
    });
    const btf = Btf.parse(bytes);
    expect(() => btf.byteSize(5)).toThrow('more than 32 bits can say');
  });
});
