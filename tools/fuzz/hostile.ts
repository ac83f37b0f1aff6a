import { gzipSync } from 'node:zlib';
import { BtfBuilder } from '../../packages/loader/src/btf';
import { longest } from './draft';
import { seedBinaries } from './seeds/binaries';
import { seedObjects } from './seeds/objects';
import { targetNamed } from './targets';

/** An input that once did what none may do, or is made to cost as much as one of its size can. */
export interface HostileInput {
  readonly target: string;
  readonly name: string;
  readonly bytes: () => Uint8Array | Promise<Uint8Array>;
}

/** Bytes of a name that is most of a file. */
const LONG = 48_000;

/** What fuzzing found, as small as it was understood; and the largest of what it would have found in the end. */
export const hostileInputs: readonly HostileInput[] = [
  {
    target: 'btf',
    name: 'a struct of 4 GiB with one member, which printC filled up line by line',
    bytes: hugeStruct,
  },
  { target: 'btf', name: 'a struct without a name that points at itself', bytes: selfPointing },
  { target: 'btf', name: 'a long way of pointers through structs without names', bytes: () => longWay(true) },
  { target: 'btf', name: 'a long way of pointers through typedefs', bytes: () => longWay(false) },
  { target: 'btf', name: 'a section that is the type of its own variable', bytes: sectionInItself },
  { target: 'btf', name: 'thousands of types that share one long name', bytes: () => sharedName(LONG) },
  {
    target: 'btf',
    name: 'thousands of types that share the longest name there may be',
    bytes: () => sharedName(1024),
  },
  {
    target: 'btf',
    name: 'thousands of types with the names of which each is the end of another',
    bytes: () => tails(),
  },
  { target: 'btf', name: 'unions in unions, each twice in the next', bytes: doubled },
  {
    target: 'object',
    name: 'a section of relocations of 17 bytes',
    bytes: () => withSection('.rel', 32, 17n),
  },
  {
    target: 'object',
    name: 'a section aligned to 2^62 bytes',
    bytes: () => withSection('.BTF', 48, 1n << 62n),
  },
  { target: 'elf', name: 'a symbol table whose names share one long string', bytes: longSymbols },
  { target: 'object', name: 'the same, as an object', bytes: longSymbols },
  {
    target: 'relocate',
    name: 'a struct_ops whose value has 4 GiB in the types of the kernel',
    bytes: hugeStructOps,
  },
  { target: 'values', name: 'unions in unions, each twice in the next', bytes: () => withValues(doubled()) },
  { target: 'binary', name: 'versions that overlap, with one long name', bytes: overlappingVersions },
  {
    target: 'verifier-log',
    name: 'a line of brackets',
    bytes: () => text(`0: (95) exit\nR1 bad\n1: R1=${'('.repeat(50_000)}${'()'.repeat(20_000)}`),
  },
  {
    target: 'verifier-log',
    name: 'jumps on one line',
    bytes: () => text(`0: (05) ${'goto pc+1 ;'.repeat(9000)}`),
  },
  {
    target: 'verifier-log',
    name: 'registers without end',
    bytes: () =>
      text(`${'0: R1=scalar(id=1) R2=fp0\n'.repeat(3500)}1: (bf) r1 = r2\n${'R1 R2 R3 '.repeat(300)}`),
  },
  { target: 'usdt', name: 'many arguments', bytes: () => text('8@16(%rdi,%rsi,8) '.repeat(5500)) },
  { target: 'usdt', name: 'an operand of brackets', bytes: () => text(`8@${'[x'.repeat(49_000)}`) },
  { target: 'netlink', name: 'attributes of four bytes', bytes: emptyAttributes },
  { target: 'system-files', name: 'four thousand million CPUs', bytes: () => numbered(3, '0-4294967295') },
  {
    target: 'system-files',
    name: 'ranges of CPUs that overlap',
    bytes: () => numbered(3, `0-60000${',1-60001'.repeat(9000)}`),
  },
  {
    target: 'system-files',
    name: 'kallsyms of one name',
    bytes: () => numbered(1, 'ffffffff81000000 T _stext\n'.repeat(3700)),
  },
  {
    target: 'system-files',
    name: 'kallsyms in one line',
    bytes: () => numbered(1, `ffffffff81000000 T${' _stext'.repeat(14_000)}`),
  },
  {
    target: 'system-files',
    name: 'maps of a process in one line',
    bytes: () => numbered(4, `1-2 r-xp 0 ${'0:0 1 '.repeat(16_000)}`),
  },
  { target: 'cache', name: 'a frozen map of 4 GiB without data', bytes: hugeFrozenMap },
  { target: 'ledger', name: 'null', bytes: () => text('null') },
  { target: 'ledger', name: 'the first format without programs', bytes: () => text('{"format":1}') },
  {
    target: 'ledger',
    name: 'the first format with a program without section',
    bytes: () => text('{"format":1,"objects":[],"programs":[{}],"maps":[],"links":[]}'),
  },
  { target: 'ledger', name: 'the present format without anything', bytes: () => text('{"format":2}') },
  { target: 'bundle', name: 'a manifest without attachments', bytes: withoutAttachments },
  {
    target: 'manifest',
    name: 'flow lists in flow lists',
    bytes: () => text(`\xff${'['.repeat(60)}${']'.repeat(60)}`),
  },
  {
    target: 'manifest',
    name: 'as many keys as fit',
    bytes: () => text(`\xffmaps: {${Array.from({ length: 9000 }, (_, i) => `m${i}: {}`).join(', ')}}`),
  },
  { target: 'data', name: 'as many entries as fit', bytes: () => text('- 1\n'.repeat(24_000)) },
  { target: 'data', name: 'one key after the other', bytes: () => text('? a\n'.repeat(24_000)) },
  {
    target: 'archive',
    name: 'gzip with a wrong check sum',
    bytes: () => wrongSum(gzipSync(Buffer.alloc(1000, 'x'))),
  },
  {
    target: 'archive',
    name: 'gzip of nothing but zeros',
    bytes: () => new Uint8Array(gzipSync(Buffer.alloc(90_000_000))),
  },
  { target: 'archive', name: 'LZ4 of empty blocks', bytes: emptyBlocks },
  { target: 'archive', name: 'LZ4 of one long match', bytes: longMatch },
  { target: 'archive', name: 'a bzImage of 520 bytes', bytes: shortImage },
];

function text(content: string): Uint8Array {
  return new Uint8Array(Buffer.from(content.slice(0, longest), content.includes('\xff') ? 'latin1' : 'utf8'));
}

function numbered(reader: number, content: string): Uint8Array {
  return new Uint8Array([reader, ...text(content)]).slice(0, longest);
}

function hugeStruct(): Uint8Array {
  const builder = new BtfBuilder();
  const char = builder.int('char', 1, 0);
  builder.struct('huge', 0xffffffff, [{ name: 'a', type: char, bitOffset: 0 }]);
  return builder.build();
}

function selfPointing(): Uint8Array {
  const builder = new BtfBuilder();
  const pointer = builder.pointer(2);
  builder.struct('', 8, [{ name: 'self', type: pointer, bitOffset: 0 }]);
  for (let i = 0; i < 4000; i++) builder.volatile(0);
  return builder.build();
}

/** Each type points at the next. */
function longWay(structs: boolean): Uint8Array {
  const builder = new BtfBuilder();
  for (let left = structs ? 2700 : 4000; left > 0; left--) {
    const next = builder.nextId + 2;
    const pointer = builder.pointer(left === 1 ? 0 : next);
    if (structs) builder.struct('', 8, [{ name: 'next', type: pointer, bitOffset: 0 }]);
    else builder.typedef('t', pointer);
  }
  return builder.build();
}

function sectionInItself(): Uint8Array {
  const builder = new BtfBuilder();
  const variable = builder.variable('v', 2, 1);
  builder.datasec('.data', 8, [{ type: variable, offset: 0, size: 8 }]);
  return builder.build();
}

function sharedName(length: number): Uint8Array {
  const builder = new BtfBuilder();
  const name = 'n'.repeat(length);
  while (builder.nextId < (longest - length) / 13) builder.struct(name, 0, []);
  return builder.build();
}

/** Offsets into one string, each a byte further. */
function tails(): Uint8Array {
  const builder = new BtfBuilder();
  builder.string('n'.repeat(1024));
  while (builder.nextId < 7000) builder.struct('', 0, []);
  const bytes = builder.build();
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < 1024; i++) view.setUint32(24 + 12 * i, i + 1, true);
  return bytes;
}

function doubled(): Uint8Array {
  const builder = new BtfBuilder();
  let inner = builder.int('int', 4, 0);
  for (let depth = 0; depth < 64; depth++) {
    inner = builder.union('', 4, [
      { name: depth < 32 ? 'a' : '', type: inner, bitOffset: 0 },
      { name: depth < 32 ? 'b' : '', type: inner, bitOffset: 0 },
    ]);
  }
  builder.union('outer', 4, [{ name: 'a', type: inner, bitOffset: 0 }]);
  return builder.build();
}

function withValues(types: Uint8Array): Uint8Array {
  const start = Buffer.alloc(4);
  start.writeUInt32LE(types.length);
  return new Uint8Array(Buffer.concat([start, types, Buffer.alloc(256)]));
}

async function seedObject(): Promise<Uint8Array> {
  return (await seedObjects()).find(({ name }) => name === 'globals.bpf')!.bytes.slice();
}

/** An object with one field of the header of a section changed. */
async function withSection(prefix: string, field: number, value: bigint): Promise<Uint8Array> {
  const bytes = await seedObject();
  const view = new DataView(bytes.buffer);
  const header = sectionHeaders(view).find((at) => nameOf(bytes, view, at).startsWith(prefix))!;
  view.setBigUint64(header + field, value, true);
  return bytes;
}

function sectionHeaders(view: DataView): number[] {
  const table = Number(view.getBigUint64(40, true));
  return Array.from({ length: view.getUint16(60, true) }, (_, i) => table + 64 * i);
}

function nameOf(bytes: Uint8Array, view: DataView, header: number): string {
  const names = sectionHeaders(view)[view.getUint16(62, true)]!;
  const start = Number(view.getBigUint64(names + 24, true)) + view.getUint32(header, true);
  return Buffer.from(bytes.subarray(start, bytes.indexOf(0, start))).toString('latin1');
}

/** The symbol table again and again, with names that are the ends of one string. */
async function longSymbols(): Promise<Uint8Array> {
  const object = await seedObject();
  const view = new DataView(object.buffer);
  const headers = sectionHeaders(view);
  const table = headers.find((at) => view.getUint32(at + 4, true) === 2)!;
  const strings = headers[view.getUint32(table + 40, true)]!;
  const count = Math.floor((longest - object.length - LONG) / 24);
  const symbols = Buffer.alloc(24 * count);
  const from = Number(view.getBigUint64(table + 24, true));
  const size = Number(view.getBigUint64(table + 32, true));
  for (let at = 0; at < symbols.length; at += 24) {
    symbols.set(object.subarray(from + (at % size), from + (at % size) + 24), at);
    symbols.writeUInt32LE(1 + (at / 24) * 2, at);
  }
  const long = Buffer.alloc(LONG, 'x');
  long[LONG - 1] = 0;
  view.setBigUint64(table + 24, BigInt(object.length), true);
  view.setBigUint64(table + 32, BigInt(symbols.length), true);
  view.setBigUint64(strings + 24, BigInt(object.length + symbols.length), true);
  view.setBigUint64(strings + 32, BigInt(LONG), true);
  return new Uint8Array(Buffer.concat([object, symbols, long]));
}

async function hugeStructOps(): Promise<Uint8Array> {
  const seed = (await seedObjects()).find(({ name }) => name === 'struct-ops.bpf')!.bytes;
  const builder = new BtfBuilder();
  const struct = builder.struct('tcp_congestion_ops', 8, []);
  builder.struct('bpf_struct_ops_tcp_congestion_ops', 0xfffffff0, [
    { name: 'data', type: struct, bitOffset: 0 },
  ]);
  const start = Buffer.alloc(4);
  start.writeUInt32LE(seed.length);
  return new Uint8Array(Buffer.concat([start, seed, builder.build()]));
}

/** `.gnu.version_d` whose entries begin a byte after each other, all with the name that is most of the file. */
function overlappingVersions(): Uint8Array {
  const binary = seedBinaries()[1]!;
  const view = new DataView(binary.buffer, binary.byteOffset, binary.byteLength);
  const bytes = new Uint8Array(longest);
  bytes.set(binary);
  const headers = sectionHeaders(view);
  const dynamic = headers.find((at) => view.getUint32(at + 4, true) === 11)!;
  const into = new DataView(bytes.buffer);
  const put = (header: number, type: number, offset: number, size: number): void => {
    into.setUint32(header + 4, type, true);
    into.setBigUint64(header + 24, BigInt(offset), true);
    into.setBigUint64(header + 32, BigInt(size), true);
  };
  const [versions, definitions] = headers.filter(
    (at) =>
      at !== dynamic &&
      at !== headers[view.getUint32(dynamic + 40, true)] &&
      at !== headers[0] &&
      at !== headers[view.getUint16(62, true)],
  );
  const start = binary.length;
  put(versions!, 0x6fffffff, start, 64);
  put(definitions!, 0x6ffffffd, start, 40_000);
  into.setUint32(definitions! + 40, view.getUint32(dynamic + 40, true), true);
  bytes.fill(1, start, start + 40_000);
  bytes.fill(0x78, start + 40_000, longest - 1);
  const strings = headers[view.getUint32(dynamic + 40, true)]!;
  put(strings, 3, start, longest - start);
  return bytes;
}

function emptyAttributes(): Uint8Array {
  const bytes = Buffer.alloc(longest);
  bytes.writeUInt32LE(longest, 0);
  bytes.writeUInt16LE(16, 4);
  for (let at = 32; at + 4 <= longest; at += 4) bytes.writeUInt16LE(4, at);
  return new Uint8Array(bytes);
}

async function hugeFrozenMap(): Promise<Uint8Array> {
  const [seed] = await targetNamed('cache').seeds();
  const before = Buffer.from(seed!).toString('latin1');
  const after = before.replace(
    /"valueSize":\d+,([^{}]*)"data":\[\d+,\d+\],"frozen":true/,
    '"valueSize":4294967295,$1"frozen":true',
  );
  return new Uint8Array(Buffer.from(after.replace(/"variables":\[.*\]\}/, '"variables":[]}'), 'latin1'));
}

async function withoutAttachments(): Promise<Uint8Array> {
  const [seed] = await targetNamed('bundle').seeds();
  return new Uint8Array(
    Buffer.from(Buffer.from(seed!).toString('latin1').replace('attach', 'attack'), 'latin1'),
  );
}

function wrongSum(bytes: Buffer): Uint8Array {
  bytes[bytes.length - 8]! ^= 1;
  return new Uint8Array(bytes);
}

function emptyBlocks(): Uint8Array {
  const bytes = Buffer.alloc(longest);
  bytes.set([0x02, 0x21, 0x4c, 0x18]);
  return new Uint8Array(bytes);
}

/** One block: a byte, and a match of it as long as the bytes behind it say. */
function longMatch(): Uint8Array {
  const bytes = Buffer.alloc(longest, 0xff);
  bytes.set([0x02, 0x21, 0x4c, 0x18]);
  bytes.writeUInt32LE(longest - 8, 4);
  bytes.set([0x1f, 0x78, 1, 0], 8);
  bytes[longest - 1] = 0;
  return new Uint8Array(bytes);
}

function shortImage(): Uint8Array {
  const bytes = Buffer.alloc(520);
  bytes.write('HdrS', 0x202, 'latin1');
  bytes.writeUInt16LE(0x20f, 0x206);
  return new Uint8Array(bytes);
}
