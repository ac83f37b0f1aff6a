import { BpfError, type ErrorCode } from '../errors';

/** What a reader is looking at, for the error it raises when the bytes end too early. */
export interface ByteSource {
  code: ErrorCode;
  object?: string | undefined;
  section?: string | undefined;
}

/**
 * Bytes of a file with one byte order; every read is checked against their end, so a wrong offset in a file is an
 * error that names section and offset, never a wrong value.
 *
 * @throws BpfError with the source's code from every read outside the bytes
 */
export class ByteView {
  readonly bytes: Uint8Array;
  readonly littleEndian: boolean;
  readonly source: ByteSource;
  private readonly view: DataView;

  constructor(bytes: Uint8Array, littleEndian: boolean, source: ByteSource) {
    // A Buffer is a Uint8Array whose slice() shares memory: what is cut from it here must not be one.
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.littleEndian = littleEndian;
    this.source = source;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.bytes.byteLength;
  }

  u8(offset: number): number {
    this.check(offset, 1);
    return this.bytes[offset]!;
  }

  u16(offset: number): number {
    this.check(offset, 2);
    return this.view.getUint16(offset, this.littleEndian);
  }

  u32(offset: number): number {
    this.check(offset, 4);
    return this.view.getUint32(offset, this.littleEndian);
  }

  i32(offset: number): number {
    this.check(offset, 4);
    return this.view.getInt32(offset, this.littleEndian);
  }

  u64(offset: number): bigint {
    this.check(offset, 8);
    return this.view.getBigUint64(offset, this.littleEndian);
  }

  /** A 64-bit offset or size, which no file here can have beyond 2^53. */
  size64(offset: number, what: string): number {
    const value = this.u64(offset);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw this.error(`${what} is ${value}`, offset);
    return Number(value);
  }

  slice(offset: number, length: number): Uint8Array {
    this.check(offset, length);
    return this.bytes.subarray(offset, offset + length);
  }

  /** The NUL-terminated string at an offset; a string that does not end inside the bytes is an error. */
  text(offset: number): string {
    this.check(offset, 1);
    const end = this.bytes.indexOf(0, offset);
    if (end < 0) throw this.error('a string does not end', offset);
    return decodeText(this.bytes, offset, end);
  }

  error(what: string, offset: number): BpfError {
    const { code, object, section } = this.source;
    const where = section === undefined ? `offset ${offset}` : `section '${section}', offset ${offset}`;
    return new BpfError(code, `${object === undefined ? '' : `${object}: `}${where}: ${what}`, {
      object,
      section,
      offset,
    });
  }

  private check(offset: number, length: number): void {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.bytes.byteLength)) {
      throw this.error(
        `${length} bytes are needed here, but there are only ${this.bytes.byteLength} in all`,
        offset,
      );
    }
  }
}

const utf8 = new TextDecoder('utf-8');

/** Text of a byte range. Symbol names are nearly always short ASCII, for which a loop beats a decoder. */
export function decodeText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > 64) return utf8.decode(bytes.subarray(start, end));
  let text = '';
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte >= 0x80) return utf8.decode(bytes.subarray(start, end));
    text += String.fromCharCode(byte);
  }
  return text;
}
