import fs from 'node:fs';
import path from 'node:path';
import { Btf, indexedBtf, refuseSharedFolder, writeByRename } from '@nx-bpf/loader';
import { cachePath } from './cache-folder';

/** Form of what is kept; another one is made anew. */
const FOLDER = 'indexes-1';

/**
 * The types of a kernel that does not run here. The first time they are checked type by type; from then on they are
 * known by their digest, and found by an index that is kept in the user's cache. Where others can write there, they are
 * checked each time.
 *
 * @param bytes BTF without a base
 * @param digest SHA-256 of the bytes, or of what they were taken from
 * @param name for errors
 * @throws BpfError BTF_MALFORMED
 *
 * @example
 * ```ts
 * const btf = kernelTypes(bytes, objectDigest(bytes), 'kernels/appliance.btf');
 * ```
 */
export function kernelTypes(bytes: Uint8Array, digest: string, name: string): Btf {
  const checked = cachePath(FOLDER, `${digest}.checked`);
  const folder = path.dirname(checked);
  if (refuseSharedFolder(folder) !== undefined) return Btf.parse(bytes, { object: name });
  if (!isOwnFile(checked)) {
    Btf.parse(bytes, { object: name });
    try {
      writeByRename(checked, Buffer.from(`${name}\n`));
    } catch {
      // Where nothing can be kept they are checked again the next time.
    }
  }
  return indexedBtf(bytes, folder, digest);
}

function isOwnFile(file: string): boolean {
  const status = fs.lstatSync(file, { throwIfNoEntry: false });
  return status?.isFile() === true && status.uid === process.geteuid?.();
}
