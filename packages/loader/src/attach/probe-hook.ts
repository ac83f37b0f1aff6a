import { BpfError } from '../errors';
import {
  closeFd,
  Errno,
  errnoName,
  errnoNumber,
  missingCapabilities,
  privileges,
  type Capability,
} from '../kernel';
import { type HookName } from './hook-options';
import { type HookTrial } from './hook-trial';
import { hookTrials } from './hook-trials';
import { hookNames } from './hooks';
import { trialName } from './trial-programs';

/** What the running kernel lets be done with programs of a hook. */
export interface HookProbe {
  /** Whether it loads them; undefined: that cannot be told. */
  readonly loads: boolean | undefined;
  /** Whether it attaches them; undefined: that cannot be told. */
  readonly attaches: boolean | undefined;
  /** Why one of the two is not true. */
  readonly reason: string | undefined;
}

const known = new Map<HookName, HookProbe>();

/**
 * Whether the running kernel lets a program of a hook be loaded, and attached: a program that does nothing is tried.
 * It is attached to something that nobody else uses, for a moment, or to what is not there, which only a kernel with
 * the hook finds out. That a certain program or place is taken is another question. Answers are kept for the life of the
 * process, unless one cannot be told.
 *
 * @example
 * ```ts
 * probeHook('xdp'); // { loads: true, attaches: true, reason: undefined }
 * ```
 */
export function probeHook(name: HookName): HookProbe {
  const before = known.get(name);
  if (before !== undefined) return before;
  const found = tryHook(hookTrials[name]);
  if (found.loads !== undefined && found.attaches !== undefined) known.set(name, found);
  return found;
}

/**
 * {@link probeHook} of every hook, by name, in the order of `hookNames`.
 *
 * @example
 * ```ts
 * probeHooks().get('xdp')?.attaches; // true
 * ```
 */
export function probeHooks(): ReadonlyMap<HookName, HookProbe> {
  return new Map(hookNames.map((name) => [name, probeHook(name)]));
}

interface Verdict {
  readonly is: boolean | undefined;
  readonly reason: string | undefined;
}

const yes: Verdict = { is: true, reason: undefined };

function tryHook({ load, attach, there, needs, causes }: HookTrial): HookProbe {
  const program = attempt(load);
  if (typeof program !== 'number' || program < 0) {
    const { is, reason } = refused('load a program for it', program, needs);
    return { loads: is, attaches: is, reason };
  }
  try {
    const result = attempt(() => attach(program));
    const { is, reason } = attachVerdict(result, { there, needs, causes });
    return { loads: true, attaches: is, reason };
  } finally {
    closeFd(program);
  }
}

function attachVerdict(
  result: number | BpfError,
  { there, needs, causes }: Pick<HookTrial, 'there' | 'needs' | 'causes'>,
): Verdict {
  if (typeof result === 'number') {
    if (result > 0) closeFd(result);
    if (result >= 0 || there.includes(-result)) return yes;
    return refused('attach one', result, needs, causes[errnoName(-result)]);
  }
  // That this kernel lacks the function which was to be probed tells that it probes.
  return result.code === 'FUNCTION_NOT_FOUND' ? yes : refused('attach one', result, needs);
}

/** How a kernel answers that does not have a hook. A tracepoint source that is not there is ENOENT. */
const absent: ReadonlySet<number> = new Set([
  Errno.EINVAL,
  Errno.E2BIG,
  Errno.EOPNOTSUPP,
  Errno.ENOTSUPP,
  Errno.ENOENT,
  Errno.ENOPROTOOPT,
  Errno.EPFNOSUPPORT,
  Errno.EAFNOSUPPORT,
]);
const forbidden: ReadonlySet<number> = new Set([Errno.EPERM, Errno.EACCES]);

/**
 * A refusal for want of a capability tells nothing of the kernel. With all of them it tells that the kernel refuses
 * everybody, as one without trampolines does with EPERM. What may take CAP_SYS_ADMIN
 * too, as perf events of uprobes do on Linux 6.18 (measured), cannot be told without it.
 */
function refused(
  what: string,
  answer: number | BpfError,
  needs: readonly Capability[],
  cause?: string,
): Verdict {
  const lacks = missingCapabilities(needs, privileges());
  const errno = typeof answer === 'number' ? -answer : errnoNumber(answer.fields.errno ?? '');
  if (lacks.length > 0 || privileges().userNamespace) {
    const why = lacks.length > 0 ? `it lacks ${lacks.join(', ')}` : 'it is in a user namespace of its own';
    return { is: undefined, reason: `this process cannot ${what}: ${why}` };
  }
  if (typeof answer !== 'number' && (cannotTell.has(answer.code) || answer.fields.errno === undefined))
    return { is: cannotTell.has(answer.code) ? undefined : false, reason: withoutTrial(answer.message) };
  if (errno === Errno.ESRCH)
    return { is: undefined, reason: 'the kernel has no function that it could be tried with' };
  const text = `the kernel does not ${what} (${errnoName(errno)})`;
  if (forbidden.has(errno) && missingCapabilities(['CAP_SYS_ADMIN'], privileges()).length > 0)
    return { is: undefined, reason: `${text}: this process lacks CAP_SYS_ADMIN, which may be why` };
  const is = absent.has(errno) || forbidden.has(errno) ? false : undefined;
  return { is, reason: cause === undefined ? text : `${text}: ${cause}` };
}

/** An error's text without the name of the program, which nobody knows. */
function withoutTrial(message: string): string {
  return message.replace(`program '${trialName}': `, '');
}

/** Errors that are of the trial or of this process, not of the kernel. */
const cannotTell: ReadonlySet<string> = new Set([
  'BINARY_NOT_FOUND',
  'FILE',
  'PRIVILEGE_MISSING',
  'INTERNAL',
]);

function attempt(action: () => number): number | BpfError {
  try {
    return action();
  } catch (error) {
    if (error instanceof BpfError) return error;
    throw error;
  }
}
