import { ByteView } from '../bytes';
import { BpfError } from '../errors';

/** A file that is read by parts, since it may be hundreds of megabytes long. */
export interface FileBytes {
  /** What messages call it: its path. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** A part that lies inside the file: exactly `length` bytes, or an error. */
  read(offset: number, length: number): Uint8Array;
}

/** No table of a real binary is longer that is read at once; what is read by blocks may be. */
const mostAtOnce = 64 << 20;

/**
 * A view of a part of a file, after a check that the file has it.
 *
 * @param what the part is, for the error
 * @throws BpfError ELF_MALFORMED when it reaches beyond the end of the file, or is too long for what it is said to be
 */
export function filePart(
  file: FileBytes,
  part: { readonly offset: number; readonly size: number },
  littleEndian: boolean,
  what: string,
): ByteView {
  const { offset, size } = part;
  const fields = { object: file.name, offset };
  if (offset + size > file.size) {
    throw new BpfError(
      'ELF_MALFORMED',
      `${file.name}: ${what} has bytes ${offset} to ${offset + size}, but the file ends at ${file.size}`,
      fields,
    );
  }
  if (size > mostAtOnce) {
    throw new BpfError('ELF_MALFORMED', `${file.name}: ${what} has ${size} bytes`, {
      ...fields,
      expected: `at most ${mostAtOnce}`,
    });
  }
  const source = { code: 'ELF_MALFORMED', object: file.name, section: what } as const;
  return new ByteView(size === 0 ? new Uint8Array() : file.read(offset, size), littleEndian, source);
}

/**
 * The bytes of a file that are in memory already.
 *
 * @example
 * ```ts
 * bytesOfFile('edge.bpf.o', readFileSync('edge.bpf.o')).size > 0; // true
 * ```
 */
export function bytesOfFile(name: string, bytes: Uint8Array): FileBytes {
  return {
    name,
    size: bytes.byteLength,
    read: (offset, length) => bytes.subarray(offset, offset + length),
  };
}
