import { ProgramType } from '../object';
import { uprobeCauses } from './causes';
import { type EventLink } from './event-link';
import { attachFailed, type Attempt } from './failure';
import { type Link } from './link';
import { attachToProbe, openProbe, type ProbeMode } from './probe-event';
import { type AttachableProgram } from './program';
import { binarySize } from './read-binary';
import { requireType } from './require-type';
import { checkOffset, resolvePlace, type UserPlace } from './user-place';

export interface UprobeOptions extends UserPlace {
  /** A path, or a bare name: a library that ld.so finds, or a program in PATH; by default the section name's. */
  readonly binary?: string | undefined;
  /** With a version if need be (`fork@GLIBC_2.2.5`); by default the section name's. */
  readonly function?: string | undefined;
  /** Bytes from the function's start, or from that of the file: the start of an instruction. */
  readonly offset?: number | undefined;
  /** Only in this process; in every one by default, those that start later too. */
  readonly pid?: number | undefined;
  /** Where in the file a 16-bit number is that is one more as long as the probe is there: a semaphore of USDT. */
  readonly referenceCounter?: number | undefined;
  /** What bpf_get_attach_cookie() returns to the program; needs a link (Linux 5.15). */
  readonly cookie?: bigint | undefined;
  /** `auto` by default. */
  readonly mode?: ProbeMode | undefined;
}

/**
 * Attach a program to a function of a binary of user space, or to an instruction in it (Linux 4.1; a perf event link
 * since 5.15). It runs in the process that gets there, with the registers in its context.
 *
 * @returns a link; before Linux 5.15, or with a mode that asks for it, one that cannot be pinned
 * @throws BpfError BINARY_NOT_FOUND, BINARY_UNSUPPORTED, ELF_MALFORMED, FUNCTION_NOT_FOUND with the nearest names,
 *   FUNCTION_AMBIGUOUS with the places, PRIVILEGE_MISSING, ATTACH_FAILED
 *
 * @example
 * ```ts
 * const link = attachUprobe(program, { binary: 'libc.so.6', function: 'malloc', cookie: 7n });
 * ```
 */
export function attachUprobe(program: AttachableProgram, options: UprobeOptions = {}): Link | EventLink {
  return probe(program, 'uprobe', options);
}

/**
 * As {@link attachUprobe}, where the function returns: PT_REGS_RC() of the program's context is what it returns.
 *
 * @example
 * ```ts
 * const link = attachUretprobe(program, { binary: 'libc.so.6', function: 'malloc', pid: process.pid });
 * ```
 */
export function attachUretprobe(program: AttachableProgram, options: UprobeOptions = {}): Link | EventLink {
  return probe(program, 'uretprobe', options);
}

function probe(
  program: AttachableProgram,
  hook: 'uprobe' | 'uretprobe',
  options: UprobeOptions,
): Link | EventLink {
  requireType(program, hook, [ProgramType.kprobe]);
  const { pid, referenceCounter, cookie, mode = 'auto' } = options;
  const { file, offset, text } = resolvePlace(program, hook, options);
  // The kernel takes any place for a counter, and never counts at one that is not in the file.
  if (referenceCounter !== undefined)
    checkOffset(program, hook, referenceCounter, Math.min(binarySize(file) - 2, 0xffffffff));
  const where = `${hook} ${text}${pid === undefined ? '' : ` of process ${pid}`}`;
  return attachUserProbe(program, { hook, where, file, offset, pid, referenceCounter, cookie, mode });
}

/** A place of one probe in a file. */
export interface UserProbe {
  readonly hook: 'uprobe' | 'uretprobe';
  /** For messages, with the hook. */
  readonly where: string;
  readonly file: string;
  readonly offset: number;
  readonly pid: number | undefined;
  readonly referenceCounter: number | undefined;
  readonly cookie: bigint | undefined;
  readonly mode: ProbeMode;
}

/** Puts a program at one place of a file. @throws BpfError PRIVILEGE_MISSING, ATTACH_FAILED */
export function attachUserProbe(program: AttachableProgram, probe: UserProbe): Link | EventLink {
  const { hook, where, file, offset, pid, referenceCounter, cookie, mode } = probe;
  const attempt: Attempt = { program, where, needs: ['CAP_PERFMON'], causes: uprobeCauses };
  const returns = hook === 'uretprobe';
  const event = openProbe(
    { source: 'uprobe', returns, symbol: file, offset, pid, referenceCounter },
    mode,
    attempt,
  );
  if (typeof event === 'number') throw attachFailed(attempt, event);
  return attachToProbe(event, { hook, mode, cookie }, attempt);
}
