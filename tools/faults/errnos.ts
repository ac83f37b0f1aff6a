/** Which errors a call is given, by its name: those that its manual page or its place in the kernel has for it. */
import { type ErrorName } from './injection';

/** Calls of bpf(2) with more than the errors that each can have. */
const ofCommands: Readonly<Record<string, readonly ErrorName[]>> = {
  // EAGAIN: a signal was pending while the verifier ran.
  BPF_PROG_LOAD: ['EAGAIN', 'ENOMEM', 'EPERM'],
  BPF_MAP_CREATE: ['ENOMEM', 'EPERM'],
  BPF_LINK_CREATE: ['EBUSY', 'ENOMEM', 'EPERM'],
  BPF_LINK_UPDATE: ['EBUSY', 'ENOMEM', 'EPERM'],
  BPF_OBJ_PIN: ['ENOSPC', 'ENOMEM', 'EPERM'],
  BPF_MAP_UPDATE_ELEM: ['ENOMEM', 'EBUSY', 'EPERM'],
  BPF_MAP_UPDATE_BATCH: ['ENOMEM', 'EBUSY', 'EPERM'],
  BPF_PROG_TEST_RUN: ['EINTR', 'ENOMEM', 'EPERM'],
};

const ofCalls: Readonly<Record<string, readonly ErrorName[]>> = {
  perfEventOpen: ['ENOMEM', 'EPERM', 'EBUSY'],
  ioctl: ['ENOMEM', 'EPERM', 'EBUSY'],
  socket: ['ENOMEM', 'EPERM'],
  setsockopt: ['ENOMEM', 'EPERM'],
  send: ['EINTR', 'ENOMEM', 'EPERM', 'EAGAIN'],
  recv: ['EINTR', 'ENOMEM', 'EAGAIN'],
  flock: ['EINTR', 'EAGAIN', 'ENOMEM'],
  open: ['EINTR', 'ENOMEM', 'EPERM'],
  read: ['EINTR', 'ENOMEM', 'EPERM'],
  statfs: ['EINTR', 'ENOMEM', 'EPERM'],
  renameat2: ['ENOSPC', 'ENOMEM', 'EPERM', 'EBUSY'],
  mkdir: ['ENOSPC', 'ENOMEM', 'EPERM'],
  mount: ['ENOMEM', 'EPERM', 'EBUSY'],
  mmap: ['ENOMEM', 'EPERM'],
  close: ['EINTR'],
};

/** Functions of node:fs that change something. libuv repeats what is interrupted, so none is given EINTR. */
const changes =
  /^(mkdir|rmdir|rename|rm|unlink|symlink|link|write|chmod|open|truncate|mkdtemp|utimes|copyFile)/;

/** @param name of a call: a command of bpf(2), a function of libc, or one of node:fs such as `renameSync` */
export function errorsOf(name: string): readonly ErrorName[] {
  if (name.startsWith('BPF_')) return ofCommands[name] ?? ['ENOMEM', 'EPERM'];
  if (!name.endsWith('Sync')) return ofCalls[name] ?? ['ENOMEM', 'EPERM'];
  // Of a close only what comes late from a device or server is told; libuv keeps EINTR to itself.
  if (name === 'closeSync') return ['ENOSPC'];
  return changes.test(name) ? ['ENOSPC', 'EPERM', 'ENOMEM', 'EBUSY'] : ['ENOMEM', 'EPERM'];
}

/** Whether what failed so must do no harm: the call is to be made again, or, as close(2), is through all the same. */
export function isRetried(name: string, error: ErrorName): boolean {
  return error === 'EINTR' || (error === 'EAGAIN' && (name === 'BPF_PROG_LOAD' || name === 'flock'));
}
