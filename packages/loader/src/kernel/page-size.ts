import { systemFile } from './system-file';

/** AT_PAGESZ of include/uapi/linux/auxvec.h. */
const AT_PAGESZ = 6n;

let size: number | undefined;

/**
 * Bytes of a page of memory: 4096 on most machines, 16 or 64 KiB on some arm64 and ppc64. Every mapping starts and
 * ends on one. From the auxiliary vector that the kernel gave this process (getauxval(3)).
 */
export function pageSize(): number {
  size ??= pageSizeIn(systemFile('/proc/self/auxv'));
  return size;
}

/** AT_PAGESZ in an auxiliary vector: pairs of 64-bit words. 4096 where it has none. */
export function pageSizeIn(vector: Uint8Array): number {
  const view = new DataView(vector.buffer, vector.byteOffset, vector.byteLength);
  for (let at = 0; at + 16 <= vector.byteLength; at += 16) {
    if (view.getBigUint64(at, true) === AT_PAGESZ) return Number(view.getBigUint64(at + 8, true));
  }
  return 4096;
}
