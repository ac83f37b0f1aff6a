import { spawnSync } from 'node:child_process';
import { gunzipSync } from 'node:zlib';
import { BpfError } from '@nx-bpf/loader';
import { decompressLz4 } from './lz4';

/** Most bytes that come of a file: a vmlinux with its types has some 60 MiB. */
const MOST = 1 << 30;

/** How data begins, and what undoes it. */
const formats: readonly {
  readonly magic: readonly number[];
  readonly undo: (bytes: Uint8Array, name: string) => Uint8Array;
}[] = [
  { magic: [0x1f, 0x8b], undo: (bytes) => gunzipSync(bytes, { maxOutputLength: MOST }) },
  { magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], undo: (bytes, name) => through('xz', bytes, name) },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], undo: (bytes, name) => through('zstd', bytes, name) },
  { magic: [0x02, 0x21, 0x4c, 0x18], undo: decompressLz4 },
];

/**
 * What is in a compressed file, by its first bytes: gzip, xz, zstd or LZ4; other bytes are as they are. xz and zstd go
 * through the commands of these names.
 *
 * @throws BpfError TOOLCHAIN_NOT_FOUND without the command, FILE for damaged data
 *
 * @example
 * ```ts
 * decompress(bytes, 'edge.o') === bytes; // true
 * ```
 */
export function decompress(bytes: Uint8Array, name: string): Uint8Array {
  const format = formats.find(({ magic }) => magic.every((byte, i) => bytes[i] === byte));
  return format === undefined ? bytes : format.undo(bytes, name);
}

function through(command: string, bytes: Uint8Array, name: string): Uint8Array {
  const { error, status, stdout, stderr } = spawnSync(command, ['-dc'], { input: bytes, maxBuffer: MOST });
  if (error !== undefined && 'code' in error && error.code === 'ENOENT') {
    throw new BpfError('TOOLCHAIN_NOT_FOUND', `${name} is compressed, and there is no command ${command}`, {
      path: name,
      hint: `install ${command === 'xz' ? 'xz-utils' : command}`,
    });
  }
  if (status === 0) return stdout;
  const why = error?.message ?? stderr.toString('utf8').trim();
  throw new BpfError('FILE', `${name} cannot be decompressed: ${why}`, { path: name }, error);
}
