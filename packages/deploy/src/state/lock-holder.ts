import fs from 'node:fs';

/** Who holds the lock of a directory. */
export interface LockHolder {
  readonly pid: number;
  /** As it was started. */
  readonly command: string;
  /** When the process started. */
  readonly since: Date;
}

/**
 * The process that holds flock(2) on a directory, from /proc/locks (proc(5)): a lock there is named by device and
 * inode.
 *
 * @returns undefined if nobody does, or a process that cannot be seen from here, such as one in another pid namespace
 */
export function lockHolder(directory: string): LockHolder | undefined {
  try {
    const { dev, ino } = fs.statSync(directory);
    const pid = holderIn(fs.readFileSync('/proc/locks', 'latin1'), dev, ino);
    if (pid === undefined) return undefined;
    const command = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return { pid, command, since: fs.statSync(`/proc/${pid}`).ctime };
  } catch {
    // It ended while it was looked at.
    return undefined;
  }
}

/** Lines are `1: FLOCK  ADVISORY  WRITE 1234 00:2b:567 0 EOF`; those that wait have `->` behind the number. */
export function holderIn(locks: string, dev: number, inode: number): number | undefined {
  const hex = (value: number): string => value.toString(16).padStart(2, '0');
  const place = `${hex(major(dev))}:${hex(minor(dev))}:${inode}`;
  for (const line of locks.split('\n')) {
    const match = /^\d+: FLOCK +ADVISORY +\w+ +(\d+) (\S+) /.exec(line);
    if (match?.[2] === place && Number(match[1]) > 0) return Number(match[1]);
  }
  return undefined;
}

/** Parts of a device number as makedev(3) of glibc puts them together. */
function major(dev: number): number {
  return Number(((BigInt(dev) >> 8n) & 0xfffn) | ((BigInt(dev) >> 32n) & ~0xfffn));
}

function minor(dev: number): number {
  return Number((BigInt(dev) & 0xffn) | ((BigInt(dev) >> 12n) & ~0xffn & 0xffffffffn));
}

/** `process 1234 (node bin/nx-bpf.js apply agent), started 12:00:05`. */
export function holderText({ pid, command, since }: LockHolder): string {
  return `process ${pid} (${command}), started ${since.toTimeString().slice(0, 8)}`;
}
