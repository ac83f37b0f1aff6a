import { createHash } from 'node:crypto';
import { mapLookup, MapType, type MapInfo } from '@nx-bpf/loader';

/** Programs may only read it: what holds for constants. */
const BPF_F_RDONLY_PROG = 1 << 7;

/**
 * SHA-256 of the value of a map that holds constants; null for every other map.
 *
 * @throws BpfError SYSCALL_FAILED
 */
export function frozenDigest(fd: number, info: MapInfo): string | null {
  const constant = (info.flags & BPF_F_RDONLY_PROG) !== 0;
  if (!constant || info.type !== MapType.array || info.maxEntries !== 1) return null;
  const value = new Uint8Array(info.valueSize);
  return mapLookup(fd, new Uint8Array(4), value) ? createHash('sha256').update(value).digest('hex') : null;
}
