import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

let count = 0;

/**
 * Run something with a cgroup of its own, which is removed after. To put a process into it, write its id to
 * `cgroup.procs` there; it must have ended when the function returns.
 *
 * @example
 * ```ts
 * await withCgroup((cgroup) => spawnSync('sh', ['-c', `echo $$ > ${cgroup}/cgroup.procs; ping ...`]));
 * ```
 */
export async function withCgroup<T>(use: (cgroup: string) => T | Promise<T>): Promise<T> {
  const cgroup = path.join(cgroup2Root(), `nx-bpf-test-${process.pid}-${++count}`);
  mkdirSync(cgroup);
  try {
    return await use(cgroup);
  } finally {
    await remove(cgroup);
  }
}

/** A process that has just ended leaves its cgroup a moment later: EBUSY until then. */
async function remove(cgroup: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      rmdirSync(cgroup);
      return;
    } catch (error) {
      if (attempt === 50) throw error;
      await sleep(20);
    }
  }
}

/** Where cgroup2 is mounted: field 5 of its line in /proc/self/mountinfo. */
function cgroup2Root(): string {
  const line = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find((candidate) => candidate.includes(' - cgroup2 '));
  if (line === undefined) throw new Error('no cgroup2 is mounted');
  return line.split(' ')[4]!;
}
