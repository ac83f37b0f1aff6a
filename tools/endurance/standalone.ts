import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { withCgroup } from '../testing/cgroup';
import { compile } from '../testing/compile';
import { type KernelSuite } from '../testing/kernel';
import { leaked, snapshot, type Snapshot } from '../testing/leaks';
import { lockMachine } from '../testing/machine-lock';
import { withVeth } from '../testing/network';
import { ownMounts } from '../testing/own-mounts';

/** The lock that keeps two suites on the kernel from seeing each other. */
export interface Machine {
  lock(): Promise<void>;
  unlock(): void;
}

/**
 * Runs something long as a kernel test runs, but as a process of its own: with mounts of its own, and nothing left
 * behind. The exit status is 1 if `work` names what it found, or something is left.
 */
export async function standalone(
  work: (kernel: KernelSuite, machine: Machine) => Promise<readonly string[]>,
): Promise<void> {
  let give = await lockMachine(5);
  const mounts = ownMounts();
  let [before, given] = [snapshot(mounts.bpffs), snapshot(mounts.bpffs)];
  const machine: Machine = {
    lock: async () => {
      give = await lockMachine(5);
      // What came meanwhile is somebody else's.
      before = withNew(before, given, snapshot(mounts.bpffs));
    },
    unlock: () => {
      given = snapshot(mounts.bpffs);
      give();
    },
  };
  const kernel: KernelSuite = {
    ...{ bpffs: mounts.bpffs, directory: mounts.directory, withVeth, withCgroup },
    compile: (source, options) => {
      const file = path.join(mounts.directory, `${options.name}.bpf.o`);
      writeFileSync(file, compile(source, options));
      return file;
    },
  };
  try {
    const found = await work(kernel, machine);
    const problems = [...found, ...(await leaked(before))];
    for (const problem of problems) console.error(problem);
    console.log(problems.length === 0 ? 'nothing grew, nothing is left' : `${problems.length} problems`);
    process.exitCode = problems.length === 0 ? 0 : 1;
  } finally {
    mounts.end();
    give();
  }
}

/** The objects of `before`, and those that are in `after` and were not in `given`. */
function withNew(before: Snapshot, given: Snapshot, after: Snapshot): Snapshot {
  const added = (kind: keyof Snapshot['ids']): Set<number> =>
    new Set([...before.ids[kind], ...[...after.ids[kind]].filter((id) => !given.ids[kind].has(id))]);
  const ids = { link: added('link'), program: added('program'), map: added('map'), btf: added('btf') };
  return { ...before, ids };
}
