import { expect, test } from 'vitest';
import {
  Btf,
  BtfBuilder,
  BtfKind,
  btfWithout,
  IntEncoding,
  Linkage,
  needsOfBtf,
  type BtfNeed,
} from './index';

/** A BTF with everything that some kernel does not know. */
function everything() {
  const builder = new BtfBuilder();
  const int = builder.int('int', 4, IntEncoding.SIGNED);
  const proto = builder.funcProto(int, [{ name: 'x', type: int }]);
  const ids = {
    int,
    proto,
    local: builder.func('local', proto, Linkage.STATIC),
    global: builder.func('global', proto, Linkage.GLOBAL),
    variable: builder.variable('v', int, Linkage.GLOBAL),
    float: builder.float('double', 8),
    tagged: builder.typeTag('user', int),
    signed: builder.enum('e', 4, [{ name: 'NEGATIVE', value: -1 }]),
    wide: builder.enum64('wide', 8, [{ name: 'LARGE', value: 1n << 40n }]),
    section: 0,
    marked: 0,
    tag: 0,
  };
  ids.section = builder.datasec('.data.x', 4, [{ type: ids.variable, offset: 0, size: 4 }]);
  ids.marked = builder.datasec('?.struct_ops', 4, [{ type: ids.variable, offset: 0, size: 4 }]);
  ids.tag = builder.declTag('kptr', ids.variable, -1);
  return { btf: Btf.parse(builder.build()), ids };
}

const { btf, ids } = everything();

function without(...missing: BtfNeed[]): Btf {
  return Btf.parse(btfWithout(btf, new Set(missing)));
}

test('what is asked of a kernel', () => {
  expect(needsOfBtf(btf)).toEqual([
    'functions',
    'globalFunctions',
    'sections',
    'markedSections',
    'floats',
    'declarationTags',
    'typeTags',
    'enum64',
  ]);
});

test('a kernel that knows all gets it as it is', () => {
  expect(btfWithout(btf, new Set())).toEqual(btf.bytes);
});

test.each<[BtfNeed, keyof typeof ids, BtfKind, Partial<Record<'name' | 'size', unknown>>]>([
  ['functions', 'local', BtfKind.TYPEDEF, { name: 'local' }],
  ['functions', 'proto', BtfKind.ENUM, { size: 4 }],
  ['globalFunctions', 'global', BtfKind.FUNC, { name: 'global' }],
  ['sections', 'variable', BtfKind.INT, { name: 'v', size: 1 }],
  ['sections', 'section', BtfKind.STRUCT, { name: '_data_x', size: 4 }],
  ['sections', 'marked', BtfKind.STRUCT, { name: '__struct_ops', size: 4 }],
  ['markedSections', 'marked', BtfKind.DATASEC, { name: '_.struct_ops', size: 4 }],
  ['floats', 'float', BtfKind.STRUCT, { name: '', size: 8 }],
  ['declarationTags', 'tag', BtfKind.INT, { name: 'kptr', size: 1 }],
  ['typeTags', 'tagged', BtfKind.CONST, { name: '' }],
  ['enum64', 'wide', BtfKind.UNION, { name: 'wide', size: 8 }],
  ['enum64', 'signed', BtfKind.ENUM, { name: 'e', size: 4 }],
])('without %s: %s', (need, type, kind, properties) => {
  const older = without(need);
  const id = ids[type];
  expect(older.kind(id)).toBe(kind);
  for (const [property, value] of Object.entries(properties)) {
    expect(older[property as 'name' | 'size'](id)).toBe(value);
  }
  expect(needsOfBtf(older)).not.toContain(need);
});

test('members keep the names and places of what they stand for', () => {
  const older = without('sections', 'enum64');
  expect([older.memberName(ids.section, 0), older.memberType(ids.section, 0)]).toEqual(['v', ids.variable]);
  expect(older.memberName(ids.wide, 0)).toBe('LARGE');
  expect(without('globalFunctions').linkage(ids.global)).toBe(Linkage.STATIC);
});
