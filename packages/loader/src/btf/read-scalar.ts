import { bitSpan, readBits } from './bits';

/** A value at a byte offset of a view; whoever calls has checked that the view reaches that far. */
export type Reader<T> = (view: DataView, base: number) => T;

/**
 * A reader of the integer of `width` bits at a bit offset from the base. What has one of the machine's own sizes and
 * starts at a byte is one load; bitfields of up to four bytes are put together from their bytes; the rest is bigint
 * arithmetic.
 */
export function scalarReader(
  bitOffset: number,
  width: number,
  signed: boolean,
  littleEndian: boolean,
): Reader<number | bigint> {
  if (bitOffset % 8 === 0) {
    const whole = wholeReader(bitOffset / 8, width, signed, littleEndian);
    if (whole !== undefined) return whole;
  }
  const { start, length, shift } = bitSpan(bitOffset, width, littleEndian);
  if (width > 0 && length <= 4) {
    const left = 32 - shift - width;
    const right = 32 - width;
    return (view, base) => {
      let word = 0;
      for (let i = 0; i < length; i++) {
        word = (word << 8) | view.getUint8(base + start + (littleEndian ? length - 1 - i : i));
      }
      return signed ? (word << left) >> right : (word << left) >>> right;
    };
  }
  return (view, base) => {
    const bytes = new Uint8Array(view.buffer, view.byteOffset + base, view.byteLength - base);
    const value = readBits(bytes, bitOffset, width, littleEndian);
    return safeNumber(signed ? BigInt.asIntN(width, value) : value);
  };
}

function wholeReader(
  at: number,
  width: number,
  signed: boolean,
  littleEndian: boolean,
): Reader<number | bigint> | undefined {
  switch (width) {
    case 8:
      return signed ? (view, base) => view.getInt8(base + at) : (view, base) => view.getUint8(base + at);
    case 16:
      return signed
        ? (view, base) => view.getInt16(base + at, littleEndian)
        : (view, base) => view.getUint16(base + at, littleEndian);
    case 32:
      return signed
        ? (view, base) => view.getInt32(base + at, littleEndian)
        : (view, base) => view.getUint32(base + at, littleEndian);
    case 64:
      return longReader(at, signed, littleEndian);
    default:
      return undefined;
  }
}

/** Most 64-bit values fit a number: they are put together from halves, at a fraction of what a bigint costs. */
function longReader(at: number, signed: boolean, littleEndian: boolean): Reader<number | bigint> {
  const low = littleEndian ? at : at + 4;
  const high = littleEndian ? at + 4 : at;
  return (view, base) => {
    const top = signed ? view.getInt32(base + high, littleEndian) : view.getUint32(base + high, littleEndian);
    const value = top * 0x100000000 + view.getUint32(base + low, littleEndian);
    if (Number.isSafeInteger(value)) return value;
    return signed ? view.getBigInt64(base + at, littleEndian) : view.getBigUint64(base + at, littleEndian);
  };
}

/** A number where it is exact, else the bigint. */
export function safeNumber(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
