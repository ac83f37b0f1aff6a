import { BtfKind, decoderOf, IntEncoding, type Btf } from '@nx-bpf/loader';
import { valueJson } from '../maps';

/** Turns a value at an offset of some bytes into JSON text. `view` is of the same bytes. */
export type JsonWriter = (bytes: Uint8Array, view: DataView, offset: number) => string;

/**
 * A writer from the bytes of a BTF type straight to JSON text, the same text as `valueJson(decodeValue(...))`: a map
 * of a million elements is printed without an object for each. What is rare (bitfields, anonymous members, unions,
 * enums of 64 bits) goes the long way.
 *
 * @throws BpfError BTF_MALFORMED for a type that has no values
 *
 * @example
 * ```ts
 * const bytes = Uint8Array.of(42, 0, 0, 0);
 * jsonWriter(btf, btf.find('unsigned int', BtfKind.INT))(bytes, new DataView(bytes.buffer), 0); // '42'
 * ```
 */
export function jsonWriter(btf: Btf, typeId: number): JsonWriter {
  return directWriter(btf, btf.resolve(typeId)) ?? indirectWriter(btf, typeId);
}

function indirectWriter(btf: Btf, typeId: number): JsonWriter {
  const decoder = decoderOf(btf, typeId);
  return (_, view, offset) => valueJson(decoder.decodeAt(view, offset));
}

function directWriter(btf: Btf, id: number): JsonWriter | undefined {
  switch (btf.kind(id)) {
    case BtfKind.INT:
      return integerWriter(btf, id);
    case BtfKind.ENUM:
      return enumWriter(btf, id);
    case BtfKind.STRUCT:
      return structWriter(btf, id);
    default:
      return undefined;
  }
}

function integerWriter(btf: Btf, id: number): JsonWriter | undefined {
  const size = btf.size(id);
  if (btf.intOffset(id) !== 0 || btf.intBits(id) !== 8 * size) return undefined;
  const encoding = btf.intEncoding(id);
  if ((encoding & IntEncoding.BOOL) !== 0) return undefined;
  const signed = (encoding & IntEncoding.SIGNED) !== 0;
  switch (size) {
    case 1:
      return signed ? (_, view, at) => `${view.getInt8(at)}` : (bytes, _, at) => `${bytes[at]!}`;
    case 2:
      return signed
        ? (_, view, at) => `${view.getInt16(at, true)}`
        : (_, view, at) => `${view.getUint16(at, true)}`;
    case 4:
      return signed
        ? (_, view, at) => `${view.getInt32(at, true)}`
        : (_, view, at) => `${view.getUint32(at, true)}`;
    case 8:
      return signed
        ? (_, view, at) => wide(view.getUint32(at, true), view.getInt32(at + 4, true), view, at, true)
        : (_, view, at) => wide(view.getUint32(at, true), view.getUint32(at + 4, true), view, at, false);
    default:
      return undefined;
  }
}

/** Digits are quoted where a JavaScript number would lose some; most values fit, and need no bigint. */
function wide(low: number, high: number, view: DataView, at: number, signed: boolean): string {
  const value = high * 0x1_0000_0000 + low;
  if (Number.isSafeInteger(value)) return `${value}`;
  return `"${signed ? view.getBigInt64(at, true) : view.getBigUint64(at, true)}"`;
}

function enumWriter(btf: Btf, id: number): JsonWriter | undefined {
  if (btf.size(id) !== 4) return undefined;
  const signed = btf.kindFlag(id);
  const names = new Map<number, string>();
  for (let i = 0; i < btf.vlen(id); i++) {
    const value = Number(btf.enumValue(id, i));
    if (!names.has(value)) names.set(value, JSON.stringify(btf.enumName(id, i)));
  }
  return (_, view, at) => {
    const value = signed ? view.getInt32(at, true) : view.getUint32(at, true);
    return names.get(value) ?? `${value}`;
  };
}

function structWriter(btf: Btf, id: number): JsonWriter | undefined {
  const parts: { readonly label: string; readonly offset: number; readonly write: JsonWriter }[] = [];
  for (let i = 0; i < btf.vlen(id); i++) {
    const name = btf.memberName(id, i);
    const bits = btf.memberBitOffset(id, i);
    if (name === '' || bits % 8 !== 0 || btf.memberBitfieldSize(id, i) !== 0) return undefined;
    parts.push({
      label: `${i === 0 ? '{' : ','}${JSON.stringify(name)}:`,
      offset: bits / 8,
      write: jsonWriter(btf, btf.memberType(id, i)),
    });
  }
  if (parts.length === 0) return undefined;
  return (bytes, view, at) => {
    let text = '';
    for (const { label, offset, write } of parts) text += label + write(bytes, view, at + offset);
    return `${text}}`;
  };
}
