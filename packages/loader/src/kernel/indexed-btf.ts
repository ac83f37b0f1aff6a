import { Btf } from '../btf';
import { BpfError } from '../errors';
import { quickCrc32 } from './checksum';
import { closeFd, openPath } from './fd';
import { fileStatus } from './file-status';
import { mapMemory } from './memory';
import { refuseSharedFolder, writeByRename } from './private-folder';

/** CRC-32 of the index, little endian, and four zeros: the index begins at a multiple of 8. */
const PREFIX = 8;

/**
 * A kernel's types by an index that is kept in a file: what takes several milliseconds to find out in a fresh process
 * is then there in a fraction of one. Where there is no such file, or it is damaged, of other types or of another
 * form, the types are scanned and the file is written anew; that it cannot be written is no failure.
 *
 * For types other than the running kernel's, as a verification against many kernels reads them, name the file after
 * what tells them apart, the build id or a digest of the bytes: the index itself knows only their lengths, and checks
 * each place that it is asked for.
 *
 * @param bytes BTF without a base, from a source that is trusted as a kernel is: it is not checked type by type
 * @param folder where indexes are kept: not used unless this user alone can write there
 * @param name of the types: hexadecimal, such as a build id or a digest
 *
 * @example
 * ```ts
 * const btf = indexedBtf(kernelBtfBytes(), 'indexes', kernelIdentity().buildId!);
 * indexedBtf(kernelBtfBytes(), 'indexes', kernelIdentity().buildId!).isIndexed; // true
 * ```
 */
export function indexedBtf(bytes: Uint8Array, folder: string, name: string): Btf {
  if (refuseSharedFolder(folder) !== undefined) return Btf.parse(bytes, { trusted: true });
  const file = `${folder}/kernel-${name}.btf-index`;
  const kept = keptIndex(file);
  const btf = Btf.parse(bytes, { trusted: true, index: kept });
  if (!btf.isIndexed) keep(file, btf);
  return btf;
}

function keptIndex(file: string): Uint8Array | undefined {
  const status = fileStatus(file, { follow: false });
  // Not in this user's name: a link, or put there by somebody else.
  if (status === undefined || status.size <= PREFIX || status.uid !== process.geteuid!()) return undefined;
  const bytes = mapWhole(file, status.size);
  if (bytes === undefined) return undefined;
  const index = bytes.subarray(PREFIX);
  const sum = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  return quickCrc32(index) === sum ? index : undefined;
}

/** The file is never written in place, so what is mapped does not change. */
function mapWhole(file: string, size: number): Uint8Array | undefined {
  let fd: number | undefined;
  try {
    fd = openPath(file);
    return mapMemory(fd, size, { private: true }).bytes;
  } catch (error) {
    if (error instanceof BpfError) return undefined;
    throw error;
  } finally {
    if (fd !== undefined) closeFd(fd);
  }
}

function keep(file: string, btf: Btf): void {
  const index = btf.encodeIndex();
  const prefix = Buffer.alloc(PREFIX);
  prefix.writeUInt32LE(quickCrc32(index));
  try {
    writeByRename(file, prefix, index);
  } catch {
    // A disk that is full or read-only costs time in the next process, and nothing else.
  }
}
