import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
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
    const binary = Binary.read({ name: file, size: fstatSync(fd).size, read });
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
  try {
    return openSync(file, 'r');
  } catch (error) {
    throw new BpfError('FILE', `binary ${file} cannot be read`, { path: file }, error);
  }
}

function readAt(fd: number, file: string, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const count = readSync(fd, bytes, done, length - done, offset + done);
    if (count === 0) {
      throw new BpfError('FILE', `binary ${file} became shorter while it was read`, { path: file, offset });
    }
    done += count;
  }
  return bytes;
}
