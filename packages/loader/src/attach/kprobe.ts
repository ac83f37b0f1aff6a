import { BpfError } from '../errors';
import { Errno, syscallFunction } from '../kernel';
import { ProgramType } from '../object';
import { kprobeCauses } from './causes';
import { type EventLink } from './event-link';
import { type Attempt } from './failure';
import { functionPlaceText, parseFunctionPlace, type FunctionPlace } from './function-place';
import { probeRefused } from './kernel-functions';
import { type Link } from './link';
import { attachToProbe, openProbe, type ProbeEvent, type ProbeMode } from './probe-event';
import { type AttachableProgram } from './program';
import { requireType } from './require-type';
import { targetOf } from './target';

interface ProbeOptions {
  /** What bpf_get_attach_cookie() returns to the program; needs a link (Linux 5.15). */
  readonly cookie?: bigint | undefined;
  /** `auto` by default. */
  readonly mode?: ProbeMode | undefined;
}

export interface KretprobeOptions extends ProbeOptions {
  /** The function, of a module as `MODULE:FUNCTION`; by default what the program's section says. */
  readonly function?: string | undefined;
}

export interface KprobeOptions extends KretprobeOptions {
  /** Bytes from the function's start: the start of an instruction. `FUNCTION+OFFSET` says the same. */
  readonly offset?: number | undefined;
  /** An address instead of a function: for one of several functions that share a name. */
  readonly address?: bigint | undefined;
}

export interface KsyscallOptions extends ProbeOptions {
  /** Name without any prefix, such as `openat`; by default what the program's section says. */
  readonly syscall?: string | undefined;
}

/**
 * Attach a program to a function of the kernel, or to an instruction in it (Linux 4.1; a perf event link since 5.15).
 * A system call's function can be named without its processor: `sys_openat` is `__x64_sys_openat` here.
 *
 * @returns a link; before Linux 5.15, or with a mode that asks for it, one that cannot be pinned
 * @throws BpfError FUNCTION_NOT_FOUND with the nearest names, PRIVILEGE_MISSING, ATTACH_FAILED
 *
 * @example
 * ```ts
 * const link = attachKprobe(program, { function: 'do_unlinkat', cookie: 7n });
 * ```
 */
export function attachKprobe(program: AttachableProgram, options: KprobeOptions = {}): Link | EventLink {
  requireType(program, 'kprobe', [ProgramType.kprobe]);
  const { address } = options;
  if (address !== undefined) {
    if (options.function !== undefined || options.offset !== undefined) {
      throw contradiction(program, 'kprobe', 'an address, or a function and an offset in it');
    }
    return probe(program, 'kprobe', { name: undefined, offset: address }, options);
  }
  const place = parseFunctionPlace(targetOf(program, 'kprobe', options.function));
  if (options.offset !== undefined && place.offset !== 0) {
    throw contradiction(program, 'kprobe', 'an offset once, as an option or behind the function');
  }
  return probe(program, 'kprobe', { ...place, offset: options.offset ?? place.offset }, options);
}

/**
 * As {@link attachKprobe}, where the function returns: PT_REGS_RC() of the program's context is what it returns.
 *
 * @example
 * ```ts
 * const link = attachKretprobe(program, { function: 'do_unlinkat' });
 * ```
 */
export function attachKretprobe(
  program: AttachableProgram,
  options: KretprobeOptions = {},
): Link | EventLink {
  requireType(program, 'kretprobe', [ProgramType.kprobe]);
  const place = parseFunctionPlace(targetOf(program, 'kretprobe', options.function));
  if (place.offset !== 0) throw contradiction(program, 'kretprobe', 'a function without an offset');
  return probe(program, 'kretprobe', place, options);
}

/**
 * Attach a program to a system call by its name: to the function that the kernel has for it on this processor.
 *
 * @throws BpfError FUNCTION_NOT_FOUND with the nearest names, PRIVILEGE_MISSING, ATTACH_FAILED
 *
 * @example
 * ```ts
 * const link = attachKsyscall(program, { syscall: 'openat' });
 * ```
 */
export function attachKsyscall(program: AttachableProgram, options: KsyscallOptions = {}): Link | EventLink {
  return probeSyscall(program, 'ksyscall', options);
}

/**
 * As {@link attachKsyscall}, where the system call returns.
 *
 * @example
 * ```ts
 * const link = attachKretsyscall(program, { syscall: 'openat' });
 * ```
 */
export function attachKretsyscall(
  program: AttachableProgram,
  options: KsyscallOptions = {},
): Link | EventLink {
  return probeSyscall(program, 'kretsyscall', options);
}

function probeSyscall(
  program: AttachableProgram,
  hook: 'ksyscall' | 'kretsyscall',
  options: KsyscallOptions,
): Link | EventLink {
  requireType(program, hook, [ProgramType.kprobe]);
  const name = targetOf(program, hook, options.syscall);
  if (!/^\w+$/.test(name)) throw contradiction(program, hook, "a system call's name, such as openat");
  return probe(program, hook, { name: syscallFunction(name), offset: 0 }, options, name);
}

type ProbeHook = 'kprobe' | 'kretprobe' | 'ksyscall' | 'kretsyscall';

/** A place in a function, or an address. */
type Place = FunctionPlace | { readonly name: undefined; readonly offset: bigint };

function probe(
  program: AttachableProgram,
  hook: ProbeHook,
  place: Place,
  { cookie, mode = 'auto' }: ProbeOptions,
  shown = place.name === undefined ? `0x${place.offset.toString(16)}` : functionPlaceText(place),
): Link | EventLink {
  const where = `${hook} ${shown}`;
  const attempt: Attempt = { program, where, needs: ['CAP_PERFMON'], causes: kprobeCauses };
  const returns = hook === 'kretprobe' || hook === 'kretsyscall';
  const event = openKprobe(place, returns, mode, attempt);
  if (typeof event === 'number') throw probeRefused(attempt, place.name, event);
  return attachToProbe(event, { hook: returns ? 'kretprobe' : 'kprobe', mode, cookie }, attempt);
}

/** Since Linux 4.17 functions of system calls have the processor in their names: those without it are looked up anew. */
function openKprobe(place: Place, returns: boolean, mode: ProbeMode, attempt: Attempt): ProbeEvent | number {
  const open = (symbol: string | undefined) =>
    openProbe({ source: 'kprobe', returns, symbol, offset: place.offset }, mode, attempt);
  const event = open(place.name);
  const call = /^sys_(\w+)$/.exec(place.name ?? '')?.[1];
  return event === -Errno.ENOENT && call !== undefined ? open(syscallFunction(call)) : event;
}

function contradiction(program: AttachableProgram, hook: string, expected: string): BpfError {
  return new BpfError(
    'ATTACH_FAILED',
    `program '${program.name}': attach to ${hook}: the place is not clear`,
    {
      program: program.name,
      expected,
    },
  );
}
