/**
 * Faults from inside: every foreign function that the loader calls, and every function of node:fs, fails when its turn
 * comes, as if the kernel had refused. The call is not made then.
 *
 * Calls are numbered from 1 on in the order in which they are made while it is armed. Files below the code's own folder
 * are left alone: modules are loaded when they are needed.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import path from 'node:path';
import { Command, Errno, infoId, native } from './kernel';

export type ErrorName = 'ENOMEM' | 'EPERM' | 'EINTR' | 'EAGAIN' | 'ENOSPC' | 'EBUSY';

const numbers: Readonly<Record<ErrorName, number>> = {
  EPERM: Errno.EPERM,
  EINTR: 4,
  EAGAIN: Errno.EAGAIN,
  ENOMEM: 12,
  EBUSY: Errno.EBUSY,
  ENOSPC: 28,
};

export interface Call {
  readonly number: number;
  /** `BPF_MAP_CREATE`, `flock`, `renameSync`. */
  readonly name: string;
  /** Path or nothing. */
  readonly about: string;
}

/** What happens to a call. */
export type Deed = ErrorName | 'kill' | undefined;

/** Commands that make something, whose answer is its fd. */
const makers: readonly string[] = [
  'BPF_MAP_CREATE',
  'BPF_PROG_LOAD',
  'BPF_BTF_LOAD',
  'BPF_LINK_CREATE',
  'BPF_RAW_TRACEPOINT_OPEN',
];

const commandNames = new Map(Object.entries(Command).map(([name, number]) => [number as number, name]));
const ownFolder = path.resolve(__dirname, '../..');
type Anything = (...values: unknown[]) => unknown;

export class Injection {
  /** What was made by bpf(2), as `map 17`, armed or not. */
  readonly made = new Set<string>();
  /** Whether the scenario runs in this process, whose fds tell then. */
  inside = true;
  private decide: ((call: Call) => Deed) | undefined;
  private count = 0;

  constructor() {
    this.wrapNative();
    this.wrapFiles();
  }

  /** How many calls were made since it was armed. */
  get calls(): number {
    return this.count;
  }

  /** From now on `decide` is asked about each call. */
  arm(decide: (call: Call) => Deed): void {
    this.count = 0;
    this.decide = decide;
  }

  disarm(): void {
    this.decide = undefined;
  }

  private ask(name: string, about: string): ErrorName | undefined {
    if (this.decide === undefined) return undefined;
    const deed = this.decide({ number: ++this.count, name, about });
    if (deed === 'kill') process.kill(process.pid, 'SIGKILL');
    return deed === 'kill' ? undefined : deed;
  }

  private wrapNative(): void {
    const library = native() as unknown as Record<string, unknown> & { koffi: Record<string, unknown> };
    const koffi = library.koffi;
    const fails = (error: ErrorName): number => {
      (koffi['errno'] as Anything)(numbers[error]);
      return -1;
    };
    const wrap = (name: string, call: Anything): Anything => {
      const isBpf = name === 'bpf' || name === 'bpfAt';
      const nameOf = (values: unknown[]): string =>
        isBpf ? (commandNames.get(values[1] as number) ?? `bpf ${String(values[1])}`) : name;
      const aboutOf = (values: unknown[]): string =>
        values.filter((value) => typeof value === 'string').join(' ');
      const wrapped: Anything = (...values) => {
        const error = this.ask(nameOf(values), aboutOf(values));
        if (error !== undefined) {
          const failed = fails(error);
          // It has no -1; of close(2) it is known that the fd is gone whatever it says.
          if (name === 'if_nametoindex') return 0;
          if (name === 'close') {
            call(...values);
            return fails(error);
          }
          return failed;
        }
        const result = call(...values);
        if (isBpf) this.note(nameOf(values), Number(result));
        return result;
      };
      const { async } = call as unknown as { async: Anything };
      const inThread: Anything = (...values) => {
        const done = values.at(-1) as Anything;
        const error = this.ask(nameOf(values), '');
        if (error !== undefined) return setImmediate(() => done(null, -1));
        return async.call(call, ...values.slice(0, -1), (failed: unknown, result: unknown) => {
          if (isBpf) this.note(nameOf(values), Number(result));
          done(failed, result);
        });
      };
      return Object.assign(wrapped, { async: inThread });
    };
    for (const [name, value] of Object.entries(library))
      if (typeof value === 'function' && name !== 'symbol') library[name] = wrap(name, value as Anything);
    // Functions that are declared later, as those of sockets are.
    library.koffi = new Proxy(koffi, {
      get: (target, key) => {
        if (key !== 'load') return target[key as string];
        return (...values: unknown[]) => {
          const loaded = (target['load'] as Anything)(...values) as { func: Anything };
          return {
            func: (name: string, ...rest: unknown[]) => wrap(name, loaded.func(name, ...rest) as Anything),
          };
        };
      },
    });
  }

  private note(command: string, fd: number): void {
    if (fd < 0 || !makers.includes(command)) return;
    const { decide } = this;
    this.decide = undefined;
    try {
      this.made.add(infoId(command, fd));
    } finally {
      this.decide = decide;
    }
  }

  private wrapFiles(): void {
    const functions = fs as unknown as Record<string, Anything>;
    for (const name of Object.keys(functions).filter((each) => each.endsWith('Sync'))) {
      const call = functions[name]!;
      const wrapped: Anything = (...values) => {
        const [first] = values;
        const place = typeof first === 'string' ? first : '';
        if (place !== '' && path.resolve(place).startsWith(ownFolder)) return call(...values);
        const error = this.ask(name, place);
        if (error === undefined) return call(...values);
        if (name === 'existsSync') return false;
        if (name === 'closeSync') call(...values);
        throw Object.assign(new Error(`${error}: injected, ${name} '${place}'`), {
          code: error,
          errno: -numbers[error],
          syscall: name.replace(/Sync$/, ''),
          path: place,
        });
      };
      functions[name] = Object.assign(wrapped, call);
    }
    syncBuiltinESMExports();
  }
}
