/**
 * Makes system calls of a scenario fail from outside, with strace(1): in a process of its own, each system call by
 * itself, since strace counts them so. Those that load JavaScript too (openat, read, fstat) fail from inside alone.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { Children } from './children';
import { type ErrorName, type Injection } from './injection';
import { Round } from './round';
import { type Scenario } from './scenarios';
import { type Surroundings } from './surroundings';
import { tallied, type Choice, type Tally } from './tally';

export const traced: Readonly<Record<string, readonly ErrorName[]>> = {
  bpf: ['ENOMEM', 'EPERM'],
  perf_event_open: ['ENOMEM', 'EBUSY'],
  ioctl: ['ENOMEM', 'EPERM'],
  socket: ['ENOMEM', 'EPERM'],
  sendto: ['EINTR', 'ENOMEM'],
  recvfrom: ['EINTR', 'ENOMEM'],
  flock: ['EINTR', 'EAGAIN', 'ENOMEM'],
  mkdir: ['ENOSPC', 'EPERM'],
  rmdir: ['EBUSY', 'EPERM'],
  rename: ['ENOSPC', 'EBUSY'],
  unlink: ['EPERM', 'EBUSY'],
  symlink: ['ENOSPC', 'EPERM'],
  chmod: ['EPERM', 'ENOMEM'],
};

/** @returns a tally of each system call that the scenario makes */
export async function traceEach(
  scenario: Scenario,
  at: Surroundings,
  injection: Injection,
  choice: Choice,
): Promise<Tally[]> {
  const { objects, bpffs, directory } = at;
  const children = new Children({ scenario: scenario.name, bpffs, directory, objects });
  injection.inside = false;
  const round = new Round(scenario, at, injection);
  await round.learn();
  const tallies: Tally[] = [];
  try {
    for (const [call, errors] of Object.entries(traced)) {
      tallies.push(
        await tallied(`${scenario.name} ${call}`, choice, async (number) => {
          const child = await children.take();
          await round.start();
          const error = errors[number % errors.length]!;
          const output = path.join(directory, 'strace');
          const options = ['-f', '-o', output, '-e', `trace=${call}`];
          const inject = ['-e', `inject=${call}:error=${error}:when=${number}`];
          const strace = spawn('strace', [...options, ...inject, '-p', String(child.pid)], {
            stdio: ['ignore', 'ignore', 'pipe'],
          });
          await once(strace.stderr, 'data');
          const closed = once(strace, 'close');
          const { answer } = await children.run(child, 0);
          await closed;
          for (const each of answer?.made ?? []) injection.made.add(each);
          const line = fs
            .readFileSync(output, 'utf8')
            .split('\n')
            .find((each) => each.includes('(INJECTED)'));
          const judged = await round.judge({ name: call, error, thrown: answer?.thrown });
          if (line === undefined) return undefined;
          return { what: line.slice(0, 200), error, text: answer?.thrown?.text, ...judged };
        }),
      );
    }
    await round.settle();
  } finally {
    await children.close();
  }
  return tallies;
}
