import { describe, expect, test } from 'vitest';
import { BpfError } from '../errors';
import { decodeRelocated } from './decode';
import { encodeRelocated, MAGIC, RELOCATED_VERSION } from './encode';
import { type RelocatedObject } from './relocated';

// r1 = map fd; r1 = value + 8; call kfunc; exit
const instructions = Uint8Array.from([
  ...[0x18, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  ...[0x18, 0x21, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0],
  ...[0x85, 0x20, 0, 0, 9, 0, 0, 0],
  ...[0x95, 0, 0, 0, 0, 0, 0, 0],
]);

const object: RelocatedObject = {
  name: 'x',
  littleEndian: true,
  license: 'Dual MIT/GPL',
  kernelVersion: 0xfffffffe,
  btf: Uint8Array.of(1, 2, 3),
  maps: [
    {
      name: 'outer',
      kernelName: 'outer',
      origin: 'btf',
      section: '.maps',
      type: 13,
      keySize: 4,
      valueSize: 4,
      maxEntries: 2,
      flags: 0,
      numaNode: 1,
      mapExtra: 0xffffffffffffffffn,
      pinByName: true,
      keyTypeId: 1,
      valueTypeId: 0,
      inner: undefined,
      slots: [
        { index: 0, map: '.data' },
        { index: 1, function: 3 },
      ],
      data: undefined,
      frozen: false,
    },
  ],
  programs: [
    {
      name: 'p',
      function: 0,
      section: 'tp_btf/sched_switch',
      autoload: false,
      type: 26,
      attachType: 23,
      attachTypeOptional: false,
      flags: 16,
      target: 'sched_switch',
      attach: { typeId: 77, module: 'mod' },
      instructions,
      bindings: [
        { kind: 'map', insn: 0, map: 'outer' },
        { kind: 'data', insn: 2, map: '.data' },
        { kind: 'module-kfunc', insn: 4, module: 'mod' },
      ],
      funcInfo: new Uint8Array(8).fill(1),
      lineInfo: new Uint8Array(16).fill(2),
      poisoned: [
        {
          insn: 1,
          kind: 'byte_off',
          target: 'struct s.ü',
          access: '0:1',
          reason: 'gone',
          file: 'x.c',
          line: 3,
        },
      ],
    },
    {
      name: 'q',
      function: 1,
      section: 'xdp',
      autoload: true,
      type: undefined,
      attachType: 0,
      attachTypeOptional: true,
      flags: 0,
      target: undefined,
      attach: undefined,
      instructions: instructions.slice(16),
      bindings: [
        { kind: 'ksym', insn: 0, symbol: 'jiffies', weak: true },
        { kind: 'module-ksym', insn: 0, module: 'mod' },
      ],
      funcInfo: new Uint8Array(0),
      lineInfo: new Uint8Array(0),
      poisoned: [],
    },
  ],
  variables: [{ name: 'v', map: '.data', offset: 8, size: 4, typeId: 5, binding: 'global', hidden: false }],
};
const data = {
  ...object.maps[0]!,
  name: '.data',
  inner: object.maps[0]!,
  valueSize: 12,
  data: new Uint8Array(12).fill(7),
};
const whole: RelocatedObject = { ...object, maps: [...object.maps, data] };
const encoded = encodeRelocated(whole);

/** The encoded form with its JSON changed. */
function edited(change: (text: string) => string, relocated = whole): Uint8Array {
  const bytes = encodeRelocated(relocated);
  const length = new DataView(bytes.buffer).getUint32(12, true);
  const header = new TextEncoder().encode(change(new TextDecoder().decode(bytes.subarray(16, 16 + length))));
  const result = new Uint8Array(16 + header.length + bytes.length - 16 - length);
  result.set(bytes.subarray(0, 16));
  new DataView(result.buffer).setUint32(12, header.length, true);
  result.set(header, 16);
  result.set(bytes.subarray(16 + length), 16 + header.length);
  return result;
}

function damage(bytes: Uint8Array): string {
  try {
    decodeRelocated(bytes, 'x.o');
  } catch (error) {
    if (error instanceof BpfError && error.code === 'RELOCATED_MALFORMED') return error.message;
    throw error;
  }
  throw new Error('expected an error');
}

test('what is decoded is what was encoded', () => {
  expect(decodeRelocated(encoded)).toEqual(whole);
  expect(encodeRelocated(decodeRelocated(encoded))).toEqual(encoded);
  expect(new TextDecoder().decode(encoded.subarray(0, 8))).toBe(MAGIC);
});

test('the bytes of a file that Node read are bytes like others', () => {
  const read = { ...whole, maps: [...object.maps, { ...data, data: Buffer.from(data.data) }] };
  expect(encodeRelocated(read)).toEqual(encoded);
});

describe('damaged bytes', () => {
  test('cut short anywhere', () => {
    // The last byte string is as long as its padding says, so every byte counts.
    for (let length = 0; length < encoded.length; length++) {
      expect(damage(encoded.subarray(0, length))).toMatch(/bytes|JSON|magic/);
    }
    expect(damage(new Uint8Array(0))).toContain('8 bytes are needed');
  });

  test('any byte of the prefix and JSON changed is an error or a well-formed object', () => {
    const length = 16 + new DataView(encoded.buffer).getUint32(12, true);
    for (let at = 0; at < length; at++) {
      const copy = encoded.slice();
      copy[at] = copy[at]! ^ 0x15;
      try {
        decodeRelocated(copy);
      } catch (error) {
        expect(error).toMatchObject({ code: 'RELOCATED_MALFORMED' });
      }
    }
  });

  test.each<[string, (text: string) => string, string]>([
    [
      'a field of another type',
      (t) => t.replace('"license":"Dual MIT/GPL"', '"license":5'),
      'the top.license: expected text',
    ],
    [
      'a missing field',
      (t) => t.replace('"keySize":4,', ''),
      'maps[0].keySize: expected a number of 32 bits',
    ],
    ['a number too big', (t) => t.replace('"keySize":4,', '"keySize":4294967296,'), 'maps[0].keySize'],
    [
      'a 64-bit number too big',
      (t) => t.replace('18446744073709551615', '18446744073709551616'),
      'maps[0].mapExtra',
    ],
    [
      'an unknown binding',
      (t) => t.replace('"kind":"ksym"', '"kind":"toString"'),
      'programs[1].bindings[0].kind',
    ],
    [
      'a blob outside',
      (t) => t.replace(/"instructions":\[\d+,/, '"instructions":[4294967295,'),
      'programs[0].instructions',
    ],
    [
      'a binding outside',
      (t) => t.replace('"insn":0,"map":"outer"', '"insn":5,"map":"outer"'),
      "program 'p', instruction 5",
    ],
    [
      'a binding of a call in an ld_imm64',
      (t) => t.replace('"insn":4', '"insn":0'),
      'one that a module-kfunc goes into',
    ],
    [
      'a binding of an unknown map',
      (t) => t.replace('"insn":0,"map":"outer"', '"insn":0,"map":"other"'),
      "not 'other'",
    ],
    ['a variable outside its map', (t) => t.replace('"offset":8', '"offset":9'), "variable 'v'"],
    ['data of another size', (t) => t.replace('"valueSize":12', '"valueSize":13'), "the data of map '.data'"],
    ['no JSON', (t) => t.replace('{', '['), 'expected JSON'],
    ['a list', () => '[]', 'the top: expected an object'],
  ])('%s', (_, change, message) => {
    expect(damage(edited(change))).toContain(message);
  });

  test('another version', () => {
    const copy = encoded.slice();
    copy[8] = RELOCATED_VERSION + 1;
    expect(damage(copy)).toContain(`expected version ${RELOCATED_VERSION}`);
  });
});
