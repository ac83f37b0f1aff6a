import { ByteView } from '../bytes';
import { BpfError } from '../errors';

/** `BTF_MAGIC` of include/uapi/linux/btf.h; its byte order is the file's. */
export const BTF_MAGIC = 0xeb9f;
export const BTF_VERSION = 1;

/** What `.BTF` and `.BTF.ext` begin with. */
export interface Preamble {
  readonly view: ByteView;
  readonly headerLength: number;
}

/** A part of the bytes, from the start of the file. */
export interface Range {
  readonly start: number;
  readonly length: number;
}

/**
 * Reads magic, version and header length, and from the magic the byte order.
 *
 * @param minimum the shortest header that has all required fields
 * @throws BpfError BTF_MALFORMED
 */
export function readPreamble(
  bytes: Uint8Array,
  section: string,
  object: string | undefined,
  minimum: number,
): Preamble {
  const littleEndian = bytes[0] === (BTF_MAGIC & 0xff);
  const view = new ByteView(bytes, littleEndian, { code: 'BTF_MALFORMED', object, section });
  const magic = view.u16(0);
  if (magic !== BTF_MAGIC) {
    throw new BpfError('BTF_MALFORMED', `${object ?? section}: this is not BTF`, {
      object,
      section,
      offset: 0,
      found: `magic 0x${magic.toString(16)}`,
      expected: '0xeb9f',
    });
  }
  const version = view.u8(2);
  if (version !== BTF_VERSION) throw view.error(`BTF version ${version} is not known, only 1 is`, 2);
  const headerLength = view.u32(4);
  if (headerLength < minimum || headerLength > bytes.byteLength) {
    throw view.error(
      `the header says it is ${headerLength} bytes long; it has at least ${minimum}, and the section has ${bytes.byteLength}`,
      4,
    );
  }
  return { view, headerLength };
}

/** A part whose offset (from the header's end) and length are two words of the header; checked to lie inside. */
export function readRange({ view, headerLength }: Preamble, field: number, what: string): Range {
  const start = headerLength + view.u32(field);
  const length = view.u32(field + 4);
  if (start + length > view.length) {
    throw view.error(
      `${what}: ${length} bytes at offset ${start} do not fit into the ${view.length} bytes of the section`,
      field,
    );
  }
  return { start, length };
}
