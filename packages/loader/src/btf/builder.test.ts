import { describe, expect, test } from 'vitest';
import { btfSample, btfSections, dumpRaw } from '../../../../tools/testing/btf';
import { compile } from '../../../../tools/testing/compile';
import { Btf, BtfBuilder, BtfKind, IntEncoding, Linkage, withDatasecLayout } from '.';
import { toLittleEndian } from './builder';

const little = btfSections(compile(btfSample));
const big = btfSections(compile(btfSample, { bigEndian: true }));

test('every kind reads back as it was written', () => {
  const b = new BtfBuilder();
  const int = b.int('int', 4, IntEncoding.SIGNED);
  b.int('_Bool', 1, IntEncoding.BOOL);
  b.float('double', 8);
  b.pointer(int);
  b.array(int, int, 3);
  b.struct('s', 8, [
    { name: 'plain', type: int, bitOffset: 0 },
    { name: 'bits', type: int, bitOffset: 32, bitfieldSize: 5 },
  ]);
  b.union('u', 4, [{ name: 'a', type: int, bitOffset: 0 }]);
  b.enum('e', 4, [{ name: 'MINUS', value: -1 }]);
  b.enum('plain', 4, [{ name: 'BIG', value: 0xffffffff }]);
  b.enum64('w', 8, [{ name: 'WIDE', value: 0xffffffffffn }]);
  b.enum64('n', 8, [{ name: 'NEGATIVE', value: -(1n << 63n) }]);
  b.forward('fs');
  b.forward('fu', true);
  b.typedef('t', int);
  b.volatile(int);
  b.const(int);
  b.restrict(4);
  const proto = b.funcProto(0, [
    { name: 'a', type: int },
    { name: '', type: 0 },
  ]);
  b.func('f', proto, Linkage.EXTERN);
  const variable = b.variable('v', int, Linkage.GLOBAL);
  const second = b.variable('w', int, Linkage.STATIC);
  b.datasec('.data', 8, [
    { type: second, offset: 4, size: 4 },
    { type: variable, offset: 0, size: 4 },
  ]);
  b.declTag('tag', 6, 1);
  b.typeTag('user', int);
  expect(dumpRaw(Btf.parse(b.build()))).toEqual([
    "[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED",
    "[2] INT '_Bool' size=1 bits_offset=0 nr_bits=8 encoding=BOOL",
    "[3] FLOAT 'double' size=8",
    "[4] PTR '(anon)' type_id=1",
    "[5] ARRAY '(anon)' type_id=1 index_type_id=1 nr_elems=3",
    "[6] STRUCT 's' size=8 vlen=2",
    "\t'plain' type_id=1 bits_offset=0",
    "\t'bits' type_id=1 bits_offset=32 bitfield_size=5",
    "[7] UNION 'u' size=4 vlen=1",
    "\t'a' type_id=1 bits_offset=0",
    "[8] ENUM 'e' encoding=SIGNED size=4 vlen=1",
    "\t'MINUS' val=-1",
    "[9] ENUM 'plain' encoding=UNSIGNED size=4 vlen=1",
    "\t'BIG' val=4294967295",
    "[10] ENUM64 'w' encoding=UNSIGNED size=8 vlen=1",
    "\t'WIDE' val=1099511627775ULL",
    "[11] ENUM64 'n' encoding=SIGNED size=8 vlen=1",
    "\t'NEGATIVE' val=-9223372036854775808LL",
    "[12] FWD 'fs' fwd_kind=struct",
    "[13] FWD 'fu' fwd_kind=union",
    "[14] TYPEDEF 't' type_id=1",
    "[15] VOLATILE '(anon)' type_id=1",
    "[16] CONST '(anon)' type_id=1",
    "[17] RESTRICT '(anon)' type_id=4",
    "[18] FUNC_PROTO '(anon)' ret_type_id=0 vlen=2",
    "\t'a' type_id=1",
    "\t'(anon)' type_id=0",
    "[19] FUNC 'f' type_id=18 linkage=extern",
    "[20] VAR 'v' type_id=1, linkage=global",
    "[21] VAR 'w' type_id=1, linkage=static",
    "[22] DATASEC '.data' size=8 vlen=2",
    "\ttype_id=20 offset=0 size=4 (VAR 'v')",
    "\ttype_id=21 offset=4 size=4 (VAR 'w')",
    "[23] DECL_TAG 'tag' type_id=6 component_idx=1",
    "[24] TYPE_TAG 'user' type_id=1",
  ]);
});

test('equal strings are written once', () => {
  const builder = new BtfBuilder();
  expect(builder.string('name')).toBe(builder.string('name'));
  expect(builder.string('')).toBe(0);
});

describe('a copy of an object', () => {
  test('is the same bytes, since clang writes BTF in the same order', () => {
    expect(BtfBuilder.from(Btf.parse(little.btf)).build()).toEqual(little.btf);
  });

  test('of foreign byte order says the same in ours', () => {
    const foreign = Btf.parse(big.btf);
    const ours = toLittleEndian(foreign);
    expect(ours.littleEndian).toBe(true);
    expect(dumpRaw(ours)).toEqual(dumpRaw(foreign));
    expect(toLittleEndian(ours)).toBe(ours);
  });

  test('takes further types and strings', () => {
    const btf = Btf.parse(little.btf);
    const builder = BtfBuilder.from(btf);
    const added = builder.typedef('added', 1);
    expect(added).toBe(btf.endId);
    expect(dumpRaw(Btf.parse(builder.build()))).toEqual([
      ...dumpRaw(btf),
      `[${added}] TYPEDEF 'added' type_id=1`,
    ]);
  });

  test('takes another type of a variable, linkage, and names for parameters', () => {
    const btf = Btf.parse(little.btf);
    const helper = btf.find('helper', BtfKind.FUNC);
    const counter = btf.find('counter', BtfKind.VAR);
    const builder = BtfBuilder.from(btf);
    builder.setLinkage(helper, Linkage.GLOBAL);
    builder.setLinkage(counter, Linkage.GLOBAL);
    builder.setVariableType(counter, builder.int('other', 4, 0));
    builder.setParamName(btf.type(helper), 0, 'renamed');
    const changed = Btf.parse(builder.build());
    expect(changed.linkage(helper)).toBe(Linkage.GLOBAL);
    expect(changed.linkage(counter)).toBe(Linkage.GLOBAL);
    expect(changed.describe(changed.type(counter))).toBe('other');
    expect(changed.paramName(changed.type(helper), 0)).toBe('renamed');
    expect(() => builder.setLinkage(btf.type(helper), 0)).toThrow('found FUNC_PROTO, expected VAR');
  });
});

describe('data sections laid out', () => {
  const btf = Btf.parse(little.btf);
  const id = btf.find('.rodata', BtfKind.DATASEC);

  test('get size and offsets, sorted; all else stays', () => {
    const names = Array.from({ length: btf.vlen(id) }, (_, i) => btf.name(btf.secVarType(id, i)));
    expect(names).toEqual(['first', 'table']);
    const laid = withDatasecLayout(btf, [{ id, size: 16, offsets: [12, 0] }]);
    expect(dumpRaw(laid).filter((line) => !dumpRaw(btf).includes(line))).toEqual([
      `[${id}] DATASEC '.rodata' size=16 vlen=2`,
      `\ttype_id=${btf.find('first', BtfKind.VAR)} offset=12 size=4 (VAR 'first')`,
    ]);
    expect(laid.name(laid.secVarType(id, 0))).toBe('table');
    expect(laid.secVarSize(id, 0)).toBe(12);
    expect(btf.size(id)).toBe(0);
  });

  test('a layout needs an offset for each variable', () => {
    expect(() => withDatasecLayout(btf, [{ id, size: 16, offsets: [0] }])).toThrow(
      "'.rodata' has 2 variables, not 1",
    );
  });
});
