import { INFO } from './attributes';
import { bpfCall } from './bpf';
import { succeeded } from './failure';
import { closeFd } from './fd';
import { fdById, type ObjectKind } from './objects';

/**
 * BPF_OBJ_GET_INFO_BY_FD into the given bytes, which already hold the pointers and counts of what the caller wants
 * copied. Returns 0 or the negative error number.
 */
export function objectInfo(fd: number, info: Uint8Array): number {
  return bpfCall('BPF_OBJ_GET_INFO_BY_FD', INFO, { bpf_fd: fd, info_len: info.byteLength, info }).result;
}

/** The same, where a refusal is an error. */
export function requireInfo(fd: number, info: Uint8Array): void {
  succeeded(objectInfo(fd, info), 'BPF_OBJ_GET_INFO_BY_FD');
}

/**
 * Open an object by its id, ask something of it and close it again; undefined if the object is gone.
 *
 * @example
 * ```ts
 * withObject('map', mapInfo(mapFd).id, (fd) => mapInfo(fd).name); // 'hits'
 * ```
 */
export function withObject<T>(kind: ObjectKind, id: number, ask: (fd: number) => T): T | undefined {
  const fd = fdById(kind, id);
  if (fd === undefined) return undefined;
  try {
    return ask(fd);
  } finally {
    closeFd(fd);
  }
}
