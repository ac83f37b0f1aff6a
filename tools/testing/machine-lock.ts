import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { closeFd, openPath, tryLock } from '../../packages/loader/src/kernel';

/**
 * One suite on the kernel at a time on the whole machine: ids of programs and maps are the machine's, and a suite
 * compares them before and after. Waits as long as it takes.
 *
 * @param pause milliseconds between two attempts
 * @returns what gives the lock back; the death of the process does too
 */
export async function lockMachine(pause = 50): Promise<() => void> {
  const directory = path.join(tmpdir(), 'nx-bpf-kernel-tests.lock');
  mkdirSync(directory, { recursive: true });
  const fd = openPath(directory);
  while (!tryLock(fd, 'exclusive')) await sleep(pause);
  return () => closeFd(fd);
}
