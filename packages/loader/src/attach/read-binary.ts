import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { Binary, EM_AARCH64, EM_X86_64 } from '../elf';
import { BpfError } from '../errors';

/** `e_machine` of the binaries that run on this processor. */
const machines: Readonly<Record<string, number>> = { x64: EM_X86_64, arm64: EM_AARCH64 };

/**
 * Looks into the ELF file of a binary: only what is asked for is read.
 *
 * @throws BpfError FILE, ELF_MALFORMED, BINARY_UNSUPPORTED for one of another processor
 */
export function readBinary<T>(file: string, use: (binary: Binary) => T): T {
  const fd = open(file);
  try {
    const read = (offset: number, length: number): Uint8Array => readAt(fd, file, offset, length);
    const binary = Binary.read({ name: file, size: sizeOf(fd, file), read });
    const expected = machines[process.arch];
    if (expected === undefined || binary.machine === expected) return use(binary);
    throw new BpfError('BINARY_UNSUPPORTED', `${file}: not a binary that runs here`, {
      path: file,
      found: `a file for machine ${binary.machine}`,
      expected: `${expected} (${process.arch})`,
    });
  } finally {
    closeSync(fd);
  }
}

function open(file: string): number {
  return reading(file, () => openSync(file, 'r'));
}

/** @throws BpfError FILE, also for what is no regular file */
function sizeOf(fd: number, file: string): number {
  const stats = reading(file, () => fstatSync(fd));
  if (stats.isFile()) return stats.size;
  throw new BpfError('FILE', `binary ${file} cannot be read`, {
    path: file,
    found: stats.isDirectory() ? 'a directory' : 'no regular file',
    expected: 'an ELF file',
  });
}

/**
 * The size of a binary in bytes.
 *
 * @throws BpfError FILE
 */
export function binarySize(file: string): number {
  return reading(file, () => statSync(file)).size;
}

function reading<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new BpfError(
      'FILE',
      `binary ${file} cannot be read: ${message}`,
      { path: file, errno: code },
      error,
    );
  }
}

function readAt(fd: number, file: string, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const from = done;
    const count = reading(file, () => readSync(fd, bytes, from, length - from, offset + from));
    if (count === 0) {
      throw new BpfError('FILE', `binary ${file} became shorter while it was read`, { path: file, offset });
    }
    done += count;
  }
  return bytes;
}
