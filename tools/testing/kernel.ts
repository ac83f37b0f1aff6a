import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { closeFd, errnoName, mapCreate, privileges } from '../../packages/loader/src/kernel';
import { compile, type CompileOptions } from './compile';
import { leaked, snapshot, type Snapshot } from './leaks';
import { lockMachine } from './machine-lock';
import { withCgroup } from './cgroup';
import { withVeth } from './network';
import { ownMounts, type OwnMounts } from './own-mounts';

export { type Veth } from './network';

/** What a suite on the real kernel works with. Paths exist while its tests run. */
export interface KernelSuite {
  /** A bpffs of the suite's own, seen by no other process but its children. */
  readonly bpffs: string;
  /** An empty directory for files, removed after the suite. */
  readonly directory: string;
  /** C compiled to a BPF object `<name>.bpf.o` in the directory: its path. See {@link compile}. */
  compile(source: string, options: CompileOptions & { readonly name: string }): string;
  /** See {@link withVeth}. */
  readonly withVeth: typeof withVeth;
  /** See {@link withCgroup}. */
  readonly withCgroup: typeof withCgroup;
}

/** Another suite may hold the machine for as long as its slowest test runs. */
const lockTimeout = 10 * 60_000;

/**
 * A suite of tests that need root and bpf(2). Without them it fails when CI=true, else it is skipped.
 *
 * The suite runs in a mount namespace of its own with a bpffs, a tracefs and an empty /run/netns, so nothing that it
 * mounts, pins or names is seen outside. Only this thread is in that namespace: use the synchronous functions of
 * node:fs there (the others run on threads that are not); child processes are in it.
 *
 * After the last test the kernel must hold what it held before: see {@link leaked}.
 *
 * @example
 * ```ts
 * kernelSuite('maps', (kernel) => {
 *   test('a map is pinned', () => { ... path.join(kernel.bpffs, 'hits') ... });
 * });
 * ```
 */
export function kernelSuite(name: string, body: (kernel: KernelSuite) => void): void {
  const refusal = whyUnavailable();
  if (refusal !== undefined) {
    if (process.env['CI'] === 'true') {
      test(name, () => {
        throw new Error(`tests on the kernel cannot run: ${refusal}`);
      });
    } else {
      describe.skip(`${name} (${refusal})`, () => body(new Suite()));
    }
    return;
  }
  describe(name, () => {
    const suite = new Suite();
    beforeAll(() => suite.start(), lockTimeout);
    afterAll(() => suite.end());
    body(suite);
  });
}

class Suite implements KernelSuite {
  readonly withVeth = withVeth;
  readonly withCgroup = withCgroup;
  private mounts: OwnMounts | undefined;
  private before: Snapshot | undefined;
  private unlock: (() => void) | undefined;

  get bpffs(): string {
    return this.home.bpffs;
  }

  get directory(): string {
    return this.home.directory;
  }

  compile(source: string, options: CompileOptions & { readonly name: string }): string {
    const file = path.join(this.directory, `${options.name}.bpf.o`);
    writeFileSync(file, compile(source, options));
    return file;
  }

  async start(): Promise<void> {
    this.unlock = await lockMachine();
    this.mounts = ownMounts();
    this.before = snapshot(this.bpffs);
  }

  async end(): Promise<void> {
    // `start` can fail half way: what it did is undone all the same.
    const problems = this.before === undefined ? [] : await leaked(this.before);
    this.mounts?.end();
    this.unlock?.();
    if (problems.length > 0) throw new Error(`left behind in the kernel:\n${problems.join('\n')}`);
  }

  private get home(): OwnMounts {
    if (this.mounts === undefined)
      throw new Error('the suite has not started: use its paths inside tests or hooks');
    return this.mounts;
  }
}

/** Why this process can't run tests on the kernel; undefined if it can. */
function whyUnavailable(): string | undefined {
  if (process.platform !== 'linux') return `no bpf(2) on ${process.platform}`;
  if (!privileges().effective.has('CAP_SYS_ADMIN')) return 'CAP_SYS_ADMIN is missing';
  const fd = mapCreate({ map_type: 2, key_size: 4, value_size: 4, max_entries: 1 });
  if (fd < 0) return `bpf(2) is refused: ${errnoName(-fd)}`;
  closeFd(fd);
  return undefined;
}
