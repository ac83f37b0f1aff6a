import assert from 'node:assert/strict';
import { readFileSync, rmdirSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { type Feature, type Trial } from './feature';
import { makePair } from './interface-pair';
import {
  BpfError,
  EventLink,
  findTracefs,
  hasKernelFunction,
  kernelSymbols,
  Link,
  linkDescription,
  loadFile,
  mount,
  unmount,
  type Attachment,
  type Collection,
  type ErrorCode,
} from './loader';
import { inOwnNetwork } from './surroundings';

const needs = ['CONFIG_KPROBES', 'CONFIG_KPROBE_EVENTS'];
const needsMulti = [...needs, 'CONFIG_FPROBE'];
const AT_FDCWD = -100n;
const ENOENT = -2n;

/** Runs do_unlinkat() of the kernel, which fails with ENOENT. */
function unlinkNothing(): void {
  try {
    unlinkSync('/nx-bpf-no-such-file');
  } catch {
    // That is what it is for.
  }
}

/** Runs do_rmdir(). */
function removeNothing(): void {
  try {
    rmdirSync('/nx-bpf-no-such-directory');
  } catch {
    // That is what it is for.
  }
}

function addressOf(name: string): bigint {
  return kernelSymbols([name]).get(name)![0]!;
}

/** A name that several functions of the kernel have, which can all be traced, and where they are. */
function sharedName(): { readonly name: string; readonly addresses: readonly bigint[] } {
  const found = [...kernelSymbols(['init_once', 'parse_options', 'show_stat', 'read_pages'])];
  const shared = found.find(([, addresses]) => addresses.length > 1);
  assert.ok(shared !== undefined, 'functions share a name');
  return { name: shared[0], addresses: shared[1] };
}

/** What the kernel says of a link of many kprobes: the places since Linux 6.6, the cookies since 6.9. */
function expectToldOf(trial: Trial, link: Link, description: string, cookies: readonly bigint[]): void {
  const info = link.info();
  assert.equal(linkDescription(info), trial.atLeast('6.6') ? description : 'kprobe_multi');
  assert.ok(info.target.kind === 'kprobe_multi');
  assert.deepEqual(info.target.cookies, trial.atLeast('6.9') ? cookies : []);
}

/** Runs umask(2), and leaves the mask as it was. @returns the mask that was there */
function changeMask(mask: number): number {
  const before = process.umask(mask);
  process.umask(before);
  return before;
}

export const kprobeFeatures: readonly Feature[] = [
  {
    name: 'kprobe',
    group: 'Hooks',
    since: '5.15',
    needs,
    use: (trial) =>
      probed(trial, 'entry', (collection) => {
        const link = collection.attach('entry', 'kprobe', { cookie: 7n });
        assert.equal(link.describe(), 'kprobe do_unlinkat');
        assert.ok(link instanceof Link);
        const { target } = link.info();
        assert.ok(target.kind === 'perf_event');
        // Linux 6.9 tells the cookie.
        assert.equal(target.cookie, trial.atLeast('6.9') ? 7n : 0n);
        expectRuns(collection, unlinkNothing, { seen: AT_FDCWD, cookie: 7n });
        expectGone(collection, link, unlinkNothing);
      }),
  },
  {
    name: 'kretprobe',
    group: 'Hooks',
    since: '5.15',
    needs,
    use: (trial) =>
      probed(trial, 'leave', (collection) => {
        const link = collection.attach('leave', 'kretprobe', { cookie: 8n });
        expectRuns(collection, unlinkNothing, { seen: ENOENT, cookie: 8n });
        expectGone(collection, link, unlinkNothing);
      }),
  },
  {
    name: 'kprobe at an offset',
    group: 'Hooks',
    since: '5.15',
    needs,
    use: (trial) =>
      probed(trial, 'anywhere', (collection) => {
        const { link, offset } = atSecondInstruction(collection);
        expectRuns(collection, unlinkNothing, {});
        assert.equal(link.describe(), `kprobe do_unlinkat+0x${offset.toString(16)}`);
        // The kernel tells it since 6.6.
        const told = trial.atLeast('6.6') ? link.describe() : 'perf_event';
        assert.equal(linkDescription(link.info()), told);
        expectGone(collection, link, unlinkNothing);
      }),
  },
  {
    name: 'kprobe at an address',
    group: 'Hooks',
    since: '5.15',
    needs,
    use: (trial) =>
      probed(trial, 'anywhere', (collection) => {
        const address = addressOf('do_unlinkat');
        const where = `kprobe 0x${address.toString(16)}`;
        for (const mode of ['link', 'legacy'] as const) {
          const link = collection.attach('anywhere', 'kprobe', { address, mode });
          assert.equal(link.describe(), where);
          // The kernel tells where it is since 6.6: behind an ENDBR instruction, if there is one.
          if (link instanceof Link && trial.atLeast('6.6')) {
            const { target } = link.info();
            assert.ok(target.kind === 'perf_event' && [0n, 4n].includes(target.address - address));
            assert.match(linkDescription(link.info()), /^kprobe 0x[0-9a-f]+$/);
          }
          expectRuns(collection, unlinkNothing, {});
          expectGone(collection, link, unlinkNothing);
        }
        const { name, addresses } = sharedName();
        const shared = () => collection.attach('anywhere', 'kprobe', { function: name });
        assert.match(refused('ATTACH_FAILED', shared).message, /several functions have this name/);
        for (const one of addresses) collection.attach('anywhere', 'kprobe', { address: one }).close();
      }),
  },
  {
    name: 'kprobe in a module',
    group: 'Hooks',
    since: '5.15',
    needs: [...needs, 'CONFIG_VETH'],
    use: (trial) =>
      probed(trial, 'anywhere', (collection) =>
        inOwnNetwork(() => {
          const makeOne = (): void => void makePair('veth', 'near', '10.98.0.1');
          const link = collection.attach('anywhere', 'kprobe', { function: 'veth:veth_newlink' });
          expectRuns(collection, makeOne, {});
          assert.equal(link.describe(), 'kprobe veth:veth_newlink');
          link.close();
          assert.deepEqual(
            ['veth:veth_newlink', 'veth_newlink+0x10', 'veth_newlnik'].map(hasKernelFunction),
            [true, true, false],
          );
          refused('FUNCTION_NOT_FOUND', () =>
            collection.attach('anywhere', 'kprobe', { function: 'veth:do_unlinkat' }),
          );
          return Promise.resolve();
        }),
      ),
  },
  {
    name: 'kprobe without a link',
    group: 'Hooks',
    since: '4.17',
    needs,
    use: (trial) =>
      probed(trial, 'entry', (collection) => {
        const link = collection.attach('entry', 'kprobe', { mode: 'perf' });
        expectWithoutLink(collection, link, 'kprobe do_unlinkat');
        expectRuns(collection, unlinkNothing, { seen: AT_FDCWD, cookie: 0n });
        expectGone(collection, link, unlinkNothing);
      }),
  },
  {
    name: 'kprobe through tracefs',
    group: 'Hooks',
    since: '4.1',
    needs,
    use: (trial) =>
      probed(trial, 'entry', (collection) => {
        const link = collection.attach('entry', 'kprobe', { mode: 'legacy' });
        assert.equal(ownEvents().length, 1, 'there is an event in tracefs');
        expectWithoutLink(collection, link, 'kprobe do_unlinkat');
        expectRuns(collection, unlinkNothing, { seen: AT_FDCWD, cookie: 0n });
        expectGone(collection, link, unlinkNothing);
        assert.deepEqual(ownEvents(), [], 'the event is gone');
        refused('FUNCTION_NOT_FOUND', () =>
          collection.attach('entry', 'kprobe', { mode: 'legacy', function: 'do_unlinkax' }),
        );
        refused('ATTACH_FAILED', () => collection.attach('entry', 'kprobe', { mode: 'legacy', cookie: 1n }));
        assert.deepEqual(ownEvents(), [], 'failures leave no event');
      }),
  },
  {
    name: 'kretprobe through tracefs',
    group: 'Hooks',
    since: '4.1',
    needs,
    use: (trial) =>
      probed(trial, 'leave', (collection) => {
        const link = collection.attach('leave', 'kretprobe', { mode: 'legacy' });
        expectRuns(collection, unlinkNothing, { seen: ENOENT });
        expectGone(collection, link, unlinkNothing);
      }),
  },
  {
    name: 'ksyscall',
    group: 'Hooks',
    since: '5.15',
    needs,
    use: (trial) =>
      probed(trial, 'syscall_entry', (collection) => {
        const link = collection.attach('syscall_entry', 'ksyscall', {});
        const before = process.umask();
        expectRuns(collection, () => changeMask(0o27), { seen: BigInt(before) }, 2n);
        assert.equal(link.describe(), 'ksyscall umask');
        link.close();
        // Without its processor's prefix the function has this name.
        const bare = collection.attach('syscall_entry', 'kprobe', { function: 'sys_umask' });
        expectRuns(collection, () => changeMask(0o27), { seen: BigInt(before) }, 2n);
        bare.close();
      }),
  },
  {
    name: 'kretsyscall',
    group: 'Hooks',
    since: '5.15',
    needs,
    use: (trial) =>
      probed(trial, 'syscall_leave', (collection) => {
        const link = collection.attach('syscall_leave', 'kretsyscall', {});
        expectRuns(collection, () => changeMask(0o27), { seen: BigInt(0o27) }, 2n);
        link.close();
      }),
  },
  {
    name: 'functions that cannot be probed are explained',
    group: 'Hooks',
    since: '5.15',
    needs,
    use: (trial) =>
      probed(trial, 'anywhere', (collection) =>
        withDebugfs(() => {
          const attach = (name: string) => () => collection.attach('anywhere', 'kprobe', { function: name });
          assert.match(refused('FUNCTION_NOT_FOUND', attach('vfs_raed')).message, /did you mean vfs_read/);
          assert.match(refused('ATTACH_FAILED', attach('vfs_read+1')).message, /start of an instruction/);
          assert.match(refused('ATTACH_FAILED', attach('get_kprobe')).message, /kprobes must not touch/);
          assert.match(refused('ATTACH_FAILED', attach('trace_array_put')).message, /cannot be traced/);
        }),
      ),
  },
  {
    name: 'kprobe.multi by a pattern',
    group: 'Hooks',
    since: '5.18',
    needs: needsMulti,
    use: (trial) =>
      probed(trial, 'many', (collection) => {
        const link = collection.program('many').autoAttach();
        assert.ok(link instanceof Link);
        expectRuns(collection, unlinkNothing, {});
        assert.equal(link.describe(), 'kprobe_multi do_unlink?t');
        expectToldOf(trial, link, 'kprobe_multi do_unlinkat', [0n]);
        expectGone(collection, link, unlinkNothing);
        const every = collection.attach('many', 'kprobe_multi', { functions: ['vfs_*', 'do_unlinkat'] });
        expectRuns(collection, unlinkNothing, {});
        every.close();
        refused('FUNCTION_NOT_FOUND', () =>
          collection.attach('many', 'kprobe_multi', { functions: 'vfs_x*' }),
        );
      }),
  },
  {
    name: 'kprobe.multi by names and addresses, with cookies',
    group: 'Hooks',
    since: '5.18',
    needs: needsMulti,
    use: (trial) =>
      probed(trial, 'many', (collection) => {
        const functions = ['do_unlinkat', 'do_rmdir', 'vfs_statx'];
        const link = collection.attach('many', 'kprobe_multi', { functions, cookies: [5n, 6n, 7n] });
        unlinkNothing();
        removeNothing();
        assert.equal(number(collection, 'cookies'), (1n << 5n) | (1n << 6n), 'cookies of what happened');
        assert.equal(link.describe(), 'kprobe_multi do_unlinkat, do_rmdir, vfs_statx');
        link.close();
        // The kernel tells them in the order of their addresses.
        const both = ['do_rmdir', 'do_unlinkat'].sort((a, b) => (addressOf(a) < addressOf(b) ? -1 : 1));
        const byAddress = collection.attach('many', 'kprobe_multi', {
          addresses: both.map(addressOf),
          cookies: [10n, 11n],
        });
        unlinkNothing();
        const cookie = 10n + BigInt(both.indexOf('do_unlinkat'));
        assert.equal(number(collection, 'cookies'), (1n << 5n) | (1n << 6n) | (1n << cookie));
        expectToldOf(trial, byAddress, `kprobe_multi ${both.join(', ')}`, [10n, 11n]);
        byAddress.close();
        const error = refused('FUNCTION_NOT_FOUND', () =>
          collection.attach('many', 'kprobe_multi', { functions: ['do_unlinkat', 'do_rmdri'] }),
        );
        assert.match(error.message, /no function 'do_rmdri'; did you mean do_rmdir/);
        const { name, addresses: those } = sharedName();
        for (const functions of [name, [`${name.slice(0, -1)}?`]]) {
          const all = collection.attach('many', 'kprobe_multi', { functions, cookies: [9n] });
          const { target } = all.info();
          assert.ok(target.kind === 'kprobe_multi');
          assert.ok(target.count >= those.length, 'all that share the name');
          if (trial.atLeast('6.9')) assert.ok(target.cookies.every((cookie) => cookie === 9n));
          all.close();
        }
        collection.attach('many', 'kprobe_multi', { addresses: those }).close();
      }),
  },
  {
    name: 'kretprobe.multi',
    group: 'Hooks',
    since: '5.18',
    needs: needsMulti,
    use: (trial) =>
      probed(trial, 'many_returns', (collection) => {
        const link = collection.program('many_returns').autoAttach();
        assert.ok(link instanceof Link);
        expectRuns(collection, unlinkNothing, { seen: ENOENT });
        expectToldOf(trial, link, 'kretprobe_multi do_unlinkat', [0n]);
        expectGone(collection, link, unlinkNothing);
      }),
  },
  {
    name: 'kprobe.session',
    group: 'Hooks',
    since: '6.10',
    needs: needsMulti,
    use: (trial) =>
      probed(trial, 'session', (collection) => {
        const link = collection.program('session').autoAttach();
        assert.ok(link instanceof Link);
        unlinkNothing();
        assert.deepEqual([number(collection, 'entries'), number(collection, 'returns')], [1n, 1n]);
        link.close();
        unlinkNothing();
        assert.equal(number(collection, 'entries'), 1n);
      }),
  },
];

/** Loads one program of probes.bpf.c that tells of this process. */
async function probed(
  trial: Trial,
  program: string,
  use: (collection: Collection) => void | Promise<void>,
): Promise<void> {
  const collection = loadFile(trial.object('probes'), {
    programs: [program],
    constants: { us: process.pid },
  });
  try {
    await use(collection);
  } finally {
    collection.close();
  }
}

/** What happens runs the program so often, and the last run tells this. */
function expectRuns(
  collection: Collection,
  happen: () => unknown,
  last: { readonly seen?: bigint; readonly cookie?: bigint },
  times = 1n,
): void {
  const before = number(collection, 'runs');
  happen();
  assert.equal(number(collection, 'runs') - before, times, 'runs');
  for (const [name, value] of Object.entries(last)) assert.equal(number(collection, name), value, name);
}

/** Once its link is closed the program does not run any more. */
function expectGone(collection: Collection, link: Attachment, happen: () => unknown): void {
  link.close();
  expectRuns(collection, happen, {}, 0n);
}

function number(collection: Collection, name: string): bigint {
  return BigInt(collection.variable<number | bigint>(name).get());
}

/** Which instruction is the second differs from kernel to kernel: one that it is not is refused. */
function atSecondInstruction(collection: Collection): { readonly link: Link; readonly offset: number } {
  let last: unknown;
  for (let offset = 1; offset < 32; offset++) {
    try {
      const link = collection.attach('anywhere', 'kprobe', { function: 'do_unlinkat', offset });
      assert.ok(link instanceof Link);
      return { link, offset };
    } catch (error) {
      if (!(error instanceof BpfError) || !['EILSEQ', 'EINVAL'].includes(error.fields.errno ?? ''))
        throw error;
      last = error;
    }
  }
  throw last;
}

function expectWithoutLink(collection: Collection, link: Attachment, where: string): void {
  assert.ok(link instanceof EventLink);
  assert.equal(link.describe(), where);
  const { programId, kind, text } = link.info()!;
  assert.deepEqual([programId, kind, text], [collection.program('entry').id, 'kprobe', 'do_unlinkat']);
  refused('PIN_FAILED', () => link.pin('/sys/fs/bpf/probe'));
}

/** The events of tracefs that the loader made. */
function ownEvents(): string[] {
  const text = readFileSync(path.join(findTracefs()!, 'kprobe_events'), 'latin1');
  return text.split('\n').filter((line) => line.includes('nx_bpf/'));
}

/** debugfs has the list of what must not be probed. */
function withDebugfs(use: () => void): void {
  const target = '/sys/kernel/debug';
  mount({ type: 'debugfs', target });
  try {
    use();
  } finally {
    unmount(target);
  }
}

/** The error of something that must be refused so; any other is thrown, as that of a kernel without kprobes. */
function refused(code: ErrorCode, attempt: () => unknown): BpfError {
  try {
    attempt();
  } catch (error) {
    if (error instanceof BpfError && error.code === code) return error;
    throw error;
  }
  throw new Error(`it is not refused with ${code}`);
}
