import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { type Feature, type Trial } from './feature';
import {
  EventLink,
  findTracefs,
  Link,
  loadFile,
  UsdtLink,
  UsdtLinks,
  type Attachment,
  type Collection,
} from './loader';

const needs = ['CONFIG_UPROBES', 'CONFIG_UPROBE_EVENTS'];

/** The program that tools/testing/traced.c is compiled to. */
const tracedOf = (trial: Trial): string => path.join(path.dirname(trial.object('uprobes')), 'traced');

export const uprobeFeatures: readonly Feature[] = [
  {
    name: 'uprobe',
    group: 'Hooks',
    since: '5.15',
    needs,
    use: (trial) =>
      probed(trial, 'entry', (collection, binary) => {
        const link = collection.attach('entry', 'uprobe', { binary, function: 'add', cookie: 7n });
        assert.equal(link.describe(), `uprobe ${binary}:add`);
        expectRuns(collection, binary, 5, { runs: 5n, seen: 4n, cookie: 7n });
        expectGone(collection, binary, link);
      }),
  },
  {
    name: 'uretprobe',
    group: 'Hooks',
    since: '5.15',
    needs,
    use: (trial) =>
      probed(trial, 'leave', (collection, binary) => {
        const link = collection.attach('leave', 'uretprobe', { binary, function: 'add', cookie: 8n });
        expectRuns(collection, binary, 3, { runs: 3n, seen: 42n, cookie: 8n });
        expectGone(collection, binary, link);
      }),
  },
  {
    name: 'uprobe in one process',
    group: 'Hooks',
    since: '5.15',
    needs,
    use: (trial) =>
      probed(trial, 'entry', (collection, binary) => {
        const link = collection.attach('entry', 'uprobe', {
          binary: 'libc.so.6',
          function: 'getppid',
          pid: process.pid,
        });
        assert.ok(process.ppid >= 0);
        assert.equal(number(collection, 'runs'), 1n, 'a library of this process');
        expectRuns(collection, binary, 2, { runs: 0n });
        link.close();
      }),
  },
  {
    name: 'uprobe by its section name',
    group: 'Hooks',
    since: '5.15',
    needs,
    use: (trial) =>
      probed(trial, 'by_section', (collection) => {
        collection.autoAttach();
        assert.ok(process.ppid >= 0);
        assert.ok(number(collection, 'runs') > 0n, 'it runs');
      }),
  },
  {
    name: 'uprobe without a link',
    group: 'Hooks',
    since: '4.17',
    needs,
    use: (trial) =>
      probed(trial, 'entry', (collection, binary) => {
        const link = collection.attach('entry', 'uprobe', { binary, function: 'add', mode: 'perf' });
        assert.ok(link instanceof EventLink);
        expectRuns(collection, binary, 2, { runs: 2n, seen: 1n });
        expectGone(collection, binary, link);
      }),
  },
  {
    name: 'uprobe through tracefs',
    group: 'Hooks',
    since: '4.1',
    needs,
    use: (trial) =>
      probed(trial, 'leave', (collection, binary) => {
        const events = (): string => readFileSync(path.join(findTracefs()!, 'uprobe_events'), 'latin1');
        const link = collection.attach('leave', 'uretprobe', { binary, function: 'add', mode: 'legacy' });
        assert.ok(events().includes(binary));
        expectRuns(collection, binary, 2, { runs: 2n, seen: 41n });
        expectGone(collection, binary, link);
        assert.ok(!events().includes(binary), 'the event is removed');
      }),
  },
  {
    name: 'uprobe.s',
    group: 'Hooks',
    since: '6.0',
    needs,
    use: (trial) =>
      probed(trial, 'sleepable', (collection, binary) => {
        const link = collection.attach('sleepable', 'uprobe', { binary, function: 'element' });
        expectRuns(collection, binary, 1, { runs: 1n, seen: 10n });
        expectGone(collection, binary, link);
      }),
  },
  {
    name: 'uprobe_multi',
    group: 'Hooks',
    since: '6.6',
    needs,
    use: (trial) =>
      probed(trial, 'many', (collection, binary) => {
        const link = collection.attach('many', 'uprobe_multi', { binary, functions: ['a?d', 'sub*'] });
        assert.equal(link.hook, 'uprobe_multi');
        expectRuns(collection, binary, 5, { runs: 10n, seen: 4n });
        expectGone(collection, binary, link);
      }),
  },
  {
    name: 'uprobe_multi with cookies',
    group: 'Hooks',
    since: '6.6',
    needs,
    use: (trial) =>
      probed(trial, 'many', (collection, binary) => {
        const functions = ['subtract', 'add'];
        const link = collection.attach('many', 'uprobe_multi', { binary, functions, cookies: [5n, 6n] });
        // add() is called before subtract().
        expectRuns(collection, binary, 1, { runs: 2n, cookie: 5n });
        expectGone(collection, binary, link);
      }),
  },
  {
    name: 'uretprobe_multi',
    group: 'Hooks',
    since: '6.6',
    needs,
    use: (trial) =>
      probed(trial, 'many_leave', (collection, binary) => {
        const link = collection.attach('many_leave', 'uretprobe_multi', { binary, functions: 'add' });
        expectRuns(collection, binary, 3, { runs: 3n, seen: 42n });
        expectGone(collection, binary, link);
      }),
  },
  {
    name: 'uprobe_session',
    group: 'Hooks',
    since: '6.13',
    needs,
    use: (trial) =>
      probed(trial, 'session', (collection, binary) => {
        const link = collection.attach('session', 'uprobe_session', { binary, functions: 'add' });
        expectRuns(collection, binary, 3, { runs: 6n });
        expectGone(collection, binary, link);
      }),
  },
  {
    name: 'usdt',
    group: 'Hooks',
    since: '5.15',
    needs,
    use: (trial) =>
      probed(trial, 'usdt', (collection, binary) => {
        const link = collection.attach('usdt', 'usdt', { binary, ...probe('twice'), cookie: 9n });
        const several = link instanceof UsdtLinks;
        assert.equal(several, !trial.atLeast('6.6'), 'links of many places are of Linux 6.6');
        if (several) assert.equal(link.parts.length, 2);
        // The second arguments are 1 and 2 at its two places.
        expectRuns(collection, binary, 4, { runs: 8n, seen: 3n, count: 2n, second: 12n, cookie: 9n });
        expectGone(collection, binary, link);
      }),
  },
  {
    name: 'a semaphore of usdt',
    group: 'Hooks',
    since: '5.15',
    needs,
    use: (trial) =>
      probed(trial, 'usdt', (collection, binary) => {
        assert.equal(run(binary, 1), '0\n');
        const link = collection.attach('usdt', 'usdt', { binary, ...probe('watched') });
        assert.equal(run(binary, 3), '1\n', 'the traced program sees it');
        assert.equal(number(collection, 'seen'), 2n);
        link.close();
        assert.equal(run(binary, 1), '0\n');
      }),
  },
  {
    name: 'usdt that a pin holds',
    group: 'Hooks',
    since: '5.15',
    needs,
    use: (trial) =>
      probed(trial, 'usdt', (collection, binary) => {
        const pin = path.join(trial.bpffs, 'usdt');
        const link = collection.attach('usdt', 'usdt', { binary, ...probe('twice'), cookie: 4n });
        link.pin(pin);
        link.close();
        expectRuns(collection, binary, 2, { runs: 4n, seen: 1n, cookie: 4n });
        const again = link instanceof UsdtLink ? Link.open(pin) : UsdtLinks.open(pin);
        rmSync(pin, { recursive: true });
        expectGone(collection, binary, again);
      }),
  },
];

const probe = (name: string) => ({ provider: 'demo', name });

/** Runs the traced program, which calls and passes everything so often. @returns what it says of its semaphore */
function run(binary: string, times: number): string {
  const { stdout, error } = spawnSync(binary, [String(times)], { input: '!', encoding: 'utf8' });
  assert.equal(error, undefined);
  return stdout;
}

/** Loads one program of uprobes.bpf.c. */
function probed(trial: Trial, program: string, use: (collection: Collection, binary: string) => void): void {
  const collection = loadFile(trial.object('uprobes'), { programs: [program] });
  try {
    use(collection, tracedOf(trial));
  } finally {
    collection.close();
  }
}

/** What the program has told after so many turns of the traced one: `runs` since before. */
function expectRuns(
  collection: Collection,
  binary: string,
  times: number,
  told: Readonly<Record<string, bigint>>,
): void {
  const before = number(collection, 'runs');
  run(binary, times);
  const { runs, ...others } = told;
  assert.equal(number(collection, 'runs') - before, runs, 'runs');
  for (const [name, value] of Object.entries(others)) assert.equal(number(collection, name), value, name);
}

/** Once its link is closed the program does not run any more. */
function expectGone(collection: Collection, binary: string, link: Pick<Attachment, 'close'>): void {
  link.close();
  expectRuns(collection, binary, 2, { runs: 0n });
}

function number(collection: Collection, name: string): bigint {
  return BigInt(collection.variable<number | bigint>(name).get());
}
