import { BtfKind, type Btf } from '@nx-bpf/loader';

/** A run of bytes of a type: a field, or what lies between fields. */
export interface ByteRun {
  /** Bytes from the start of the value. */
  readonly offset: number;
  readonly size: number;
  /** `flow.saddr`, `ports[0]`; '' for a value that is one scalar; undefined for padding. */
  readonly name: string | undefined;
  /** As C writes it. */
  readonly type: string;
  /** Bitfields that share the bytes: `mode:3`. */
  readonly bits: readonly string[];
}

/** Longer arrays are one run. */
const MOST_ELEMENTS = 4;

/** A type of more parts is shown as far as that. */
const MOST_RUNS = 256;

/**
 * What each byte of a value is for: fields of structs one by one, arrays of scalars as one, padding named as such.
 * Members of a union are the widest of them, with the names of all.
 *
 * @param size of the value in the map, which the kernel may have rounded up
 */
export function bytesOfType(btf: Btf, typeId: number, size: number): ByteRun[] {
  const fields: ByteRun[] = [];
  collect(btf, typeId, '', 0, fields);
  fields.sort((a, b) => a.offset - b.offset);
  const runs: ByteRun[] = [];
  let end = 0;
  for (const field of fields) {
    if (field.offset > end) runs.push(padding(end, field.offset - end));
    const last = runs.at(-1);
    if (field.offset >= end) runs.push(field);
    // Bitfields that begin in a byte which others end in.
    else if (last !== undefined && last.bits.length > 0 && field.bits.length > 0) {
      const bits = [...last.bits, ...field.bits];
      const size = Math.max(end, field.offset + field.size) - last.offset;
      runs[runs.length - 1] = { ...last, size, name: `${last.name} ${field.name}`, bits };
    }
    end = Math.max(end, field.offset + field.size);
  }
  if (size > end) runs.push(padding(end, size - end));
  return runs;
}

function padding(offset: number, size: number): ByteRun {
  return { offset, size, name: undefined, type: 'padding', bits: [] };
}

function collect(btf: Btf, typeId: number, name: string, offset: number, into: ByteRun[]): void {
  if (into.length >= MOST_RUNS) return;
  const id = btf.resolve(typeId);
  const one = (type = btf.describe(typeId)): void => {
    into.push({ offset, size: btf.byteSize(typeId), name, type, bits: [] });
  };
  switch (btf.kind(id)) {
    case BtfKind.STRUCT:
      return collectMembers(btf, id, name, offset, into);
    case BtfKind.DATASEC:
      for (let i = 0; i < btf.vlen(id); i++) {
        const variable = btf.secVarType(id, i);
        collect(btf, btf.type(variable), btf.name(variable), offset + btf.secVarOffset(id, i), into);
      }
      return;
    case BtfKind.UNION:
      return one(`${btf.describe(typeId)} { ${memberNames(btf, id)} }`);
    case BtfKind.ARRAY: {
      const element = btf.arrayElement(id);
      const count = btf.arrayLength(id);
      if (count > MOST_ELEMENTS || !isStruct(btf, element)) return one();
      const size = btf.byteSize(element);
      for (let i = 0; i < count; i++) collect(btf, element, `${name}[${i}]`, offset + i * size, into);
      return;
    }
    default:
      return one();
  }
}

function collectMembers(btf: Btf, id: number, name: string, offset: number, into: ByteRun[]): void {
  const bits = new Map<number, { size: number; names: string[] }>();
  for (let i = 0; i < btf.vlen(id); i++) {
    const at = btf.memberBitOffset(id, i);
    const width = btf.memberBitfieldSize(id, i);
    const member = btf.memberName(id, i);
    const path = [name, member].filter((each) => each !== '').join('.');
    if (width === 0) {
      collect(btf, btf.memberType(id, i), path, offset + at / 8, into);
      continue;
    }
    const first = Math.floor(at / 8);
    const shared = bits.get(first) ?? { size: 0, names: [] };
    shared.size = Math.max(shared.size, Math.floor((at + width - 1) / 8) - first + 1);
    shared.names.push(`${member}:${width}`);
    bits.set(first, shared);
  }
  for (const [first, { size, names }] of bits) {
    into.push({ offset: offset + first, size, name: names.join(' '), type: 'bitfields', bits: names });
  }
}

function memberNames(btf: Btf, id: number): string {
  return Array.from({ length: btf.vlen(id) }, (_, i) => btf.memberName(id, i) || '...').join(', ');
}

function isStruct(btf: Btf, typeId: number): boolean {
  return btf.kind(btf.resolve(typeId)) === BtfKind.STRUCT;
}
