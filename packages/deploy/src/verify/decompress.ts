import { spawnSync } from 'node:child_process';
import { gunzipSync } from 'node:zlib';
import { BpfError } from '@nx-bpf/loader';
import { decompressLz4 } from './lz4';

/** Most bytes that come of a file: a vmlinux with its types has some 60 MiB... */
const MOST = 1 << 30;
/** ...and most that come of each of its bytes: a kernel or its types get a fifth as long. */
const MOST_OF_EACH = 200;

/** How many bytes may come of a file of so many. */
export function mostOf(size: number): number {
  return Math.min(MOST, MOST_OF_EACH * size + (1 << 20));
}

/** How data begins, and what undoes it. */
const formats: readonly {
  readonly magic: readonly number[];
  readonly undo: (bytes: Uint8Array, name: string, most: number) => Uint8Array;
}[] = [
  { magic: [0x1f, 0x8b], undo: gunzip },
  {
    magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
    undo: (bytes, name, most) => through('xz', bytes, name, most),
  },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], undo: (bytes, name, most) => through('zstd', bytes, name, most) },
  { magic: [0x02, 0x21, 0x4c, 0x18], undo: decompressLz4 },
];

/**
 * What is in a compressed file, by its first bytes: gzip, xz, zstd or LZ4; other bytes are as they are. xz and zstd go
 * through the commands of these names.
 *
 * @param most bytes may come of it; by default in proportion to how many there are
 * @throws BpfError TOOLCHAIN_NOT_FOUND without the command, FILE for damaged data, and for more than `most`
 *
 * @example
 * ```ts
 * decompress(bytes, 'edge.o') === bytes; // true
 * ```
 */
export function decompress(bytes: Uint8Array, name: string, most = mostOf(bytes.length)): Uint8Array {
  const format = formats.find(({ magic }) => magic.every((byte, i) => bytes[i] === byte));
  return format === undefined ? bytes : format.undo(bytes, name, most);
}

function gunzip(bytes: Uint8Array, name: string, most: number): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: most });
  } catch (error) {
    throw failed(name, (error as Error).message, error);
  }
}

function through(command: string, bytes: Uint8Array, name: string, most: number): Uint8Array {
  const { error, status, stdout, stderr } = spawnSync(command, ['-dc'], { input: bytes, maxBuffer: most });
  if (error !== undefined && 'code' in error && error.code === 'ENOENT') {
    throw new BpfError('TOOLCHAIN_NOT_FOUND', `${name} is compressed, and there is no command ${command}`, {
      path: name,
      hint: `install ${command === 'xz' ? 'xz-utils' : command}`,
    });
  }
  if (status === 0) return stdout;
  const why = error?.message ?? stderr.toString('utf8').trim();
  throw failed(name, why, error);
}

function failed(name: string, why: string, cause: unknown): BpfError {
  return new BpfError('FILE', `${name} cannot be decompressed: ${why}`, { path: name }, cause);
}
