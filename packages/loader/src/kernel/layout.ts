import { decodeText } from '../bytes';
import { addressOf } from './native';

/**
 * How a field is stored. `pointer` is a 64-bit address of bytes that the caller gives; `name` is 16 bytes of text,
 * NUL included; `tag` is 8 bytes, shown as 16 hex digits.
 */
export type FieldKind = 'u32' | 'i32' | 'u64' | 'pointer' | 'name' | 'tag';

/** A C struct as data: field name to byte offset and kind. The name is the uapi header's. */
export type Layout = Readonly<Record<string, readonly [offset: number, kind: FieldKind]>>;

interface Inputs {
  u32: number;
  i32: number;
  u64: number | bigint;
  pointer: Uint8Array | string;
  name: string;
  tag: never;
}

interface Outputs {
  u32: number;
  i32: number;
  u64: bigint;
  pointer: bigint;
  name: string;
  tag: string;
}

/** Values to write into a layout; what is left out is zero. */
export type LayoutInput<L extends Layout> = { readonly [K in keyof L]?: Inputs[L[K][1]] | undefined };

/** Values read from a layout. */
export type LayoutOutput<L extends Layout> = { readonly [K in keyof L]: Outputs[L[K][1]] };

/** An encoded struct, and the bytes it points to: as long as the struct is in use these must stay referenced. */
export interface Encoded {
  readonly bytes: Uint8Array;
  readonly references: readonly Uint8Array[];
}

const sizes: Readonly<Record<FieldKind, number>> = { u32: 4, i32: 4, u64: 8, pointer: 8, name: 16, tag: 8 };

/** Object and program names of the kernel are this long, NUL included (`BPF_OBJ_NAME_LEN`). */
export const nameLength = 16;

/** What is known of a layout once and for all: going through an object's entries anew costs more than a system call. */
interface Plan {
  readonly size: number;
  readonly fields: readonly (readonly [name: string, offset: number, kind: FieldKind])[];
}

const plans = new WeakMap<Layout, Plan>();

function planOf(layout: Layout): Plan {
  let plan = plans.get(layout);
  if (plan === undefined) {
    const fields = Object.entries(layout).map(([name, [offset, kind]]) => [name, offset, kind] as const);
    const end = Math.max(...fields.map(([, offset, kind]) => offset + sizes[kind]));
    plan = { size: Math.ceil(end / 8) * 8, fields };
    plans.set(layout, plan);
  }
  return plan;
}

/** Bytes a layout takes, rounded up to 8 as the kernel's unions are. */
export function layoutSize(layout: Layout): number {
  return planOf(layout).size;
}

/**
 * Write values into a struct. Text at a pointer gets its NUL; an empty byte array becomes NULL.
 *
 * @param into bytes to write to instead of fresh ones; they are cleared first
 *
 * @example
 * ```ts
 * encode({ map_fd: [0, 'u32'], key: [8, 'pointer'] }, { map_fd: 3, key: new Uint8Array(4) }).bytes.length; // 16
 * ```
 */
export function encode<L extends Layout>(layout: L, values: LayoutInput<L>, into?: Uint8Array): Encoded {
  const { size, fields } = planOf(layout);
  const bytes = into?.fill(0) ?? new Uint8Array(size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const references: Uint8Array[] = [];
  for (const [name, offset, kind] of fields) {
    const value: Inputs[FieldKind] | undefined = values[name];
    if (value === undefined || value === 0) continue;
    if (kind === 'pointer') {
      const target = typeof value === 'string' ? Buffer.from(`${value}\0`) : (value as Uint8Array);
      if (target.byteLength === 0) continue;
      references.push(target);
      view.setBigUint64(offset, addressOf(target), true);
    } else if (kind === 'name') {
      bytes.set(truncatedName(value as string), offset);
    } else if (kind === 'u64') {
      view.setBigUint64(offset, BigInt.asUintN(64, BigInt(value as number | bigint)), true);
    } else {
      view.setInt32(offset, value as number, true);
    }
  }
  return { bytes, references };
}

/** Read every field of a struct; fields that lie beyond the bytes an older kernel filled in are zero or empty. */
export function decode<L extends Layout>(layout: L, bytes: Uint8Array): LayoutOutput<L> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values: Record<string, number | bigint | string> = {};
  for (const [name, offset, kind] of planOf(layout).fields) {
    if (kind === 'name') values[name] = textAt(bytes, offset, nameLength);
    else if (kind === 'tag') values[name] = Buffer.from(bytes.subarray(offset, offset + 8)).toString('hex');
    else if (kind === 'u32') values[name] = view.getUint32(offset, true);
    else if (kind === 'i32') values[name] = view.getInt32(offset, true);
    else values[name] = view.getBigUint64(offset, true);
  }
  return values as LayoutOutput<L>;
}

/** NUL-terminated text in a field of fixed length. */
export function textAt(bytes: Uint8Array, offset: number, length: number): string {
  const field = bytes.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return decodeText(field, 0, end < 0 ? length : end);
}

/** The kernel refuses a name that fills its 16 bytes, and any character outside [A-Za-z0-9_.]. */
function truncatedName(name: string): Uint8Array {
  return Buffer.from(name.slice(0, nameLength - 1).replace(/[^A-Za-z0-9_.]/g, '_'));
}
