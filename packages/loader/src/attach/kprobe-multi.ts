import { BpfError } from '../errors';
import { Errno, linkKprobes } from '../kernel';
import { AttachType, ProgramType } from '../object';
import { kprobeMultiCauses } from './causes';
import { attached, type Attempt } from './failure';
import { kprobePlaces, notTraceable } from './kprobe-places';
import { Link } from './link';
import { placesText } from './places-text';
import { type AttachableProgram } from './program';
import { requireAttachType, requireType } from './require-type';
import { targetOf } from './target';

export interface KprobeMultiOptions {
  /**
   * Names, and patterns in which `*` stands for any characters and `?` for one: every function that can be traced and
   * fits one, all those that share a name too. By default what the program's section says.
   */
  readonly functions?: string | readonly string[] | undefined;
  /** Addresses instead of names. */
  readonly addresses?: readonly bigint[] | undefined;
  /** What bpf_get_attach_cookie() returns at each of the names, patterns or addresses, in their order. */
  readonly cookies?: readonly bigint[] | undefined;
}

/**
 * Attach a program to many functions of the kernel at once, at their entry (Linux 5.18): one link, made in far less
 * time than as many kprobes. The program must have been loaded for it, `SEC("kprobe.multi/...")`.
 *
 * @throws BpfError FUNCTION_NOT_FOUND for a name that is not there and a pattern that fits nothing,
 *   PRIVILEGE_MISSING, ATTACH_FAILED
 *
 * @example
 * ```ts
 * const link = attachKprobeMulti(program, { functions: ['vfs_read', 'vfs_write'], cookies: [1n, 2n] });
 * ```
 */
export function attachKprobeMulti(program: AttachableProgram, options: KprobeMultiOptions = {}): Link {
  return probeMany(program, 'kprobe_multi', options);
}

/**
 * As {@link attachKprobeMulti}, where the functions return: `SEC("kretprobe.multi/...")`.
 *
 * @example
 * ```ts
 * const link = attachKretprobeMulti(program, { functions: 'vfs_*' });
 * ```
 */
export function attachKretprobeMulti(program: AttachableProgram, options: KprobeMultiOptions = {}): Link {
  return probeMany(program, 'kretprobe_multi', options);
}

/**
 * As {@link attachKprobeMulti}, at the entry of the functions and at their return (Linux 6.10): what the program
 * returns at the entry, 0 or 1, decides whether it is called at the return. `SEC("kprobe.session/...")`.
 *
 * @example
 * ```ts
 * const link = attachKprobeSession(program, { functions: 'vfs_read' });
 * ```
 */
export function attachKprobeSession(program: AttachableProgram, options: KprobeMultiOptions = {}): Link {
  return probeMany(program, 'kprobe_session', options);
}

const attachTypes = {
  kprobe_multi: AttachType.trace_kprobe_multi,
  kretprobe_multi: AttachType.trace_kprobe_multi,
  kprobe_session: AttachType.trace_kprobe_session,
} as const;

function probeMany(
  program: AttachableProgram,
  hook: keyof typeof attachTypes,
  { functions, addresses, cookies }: KprobeMultiOptions,
): Link {
  requireType(program, hook, [ProgramType.kprobe]);
  const attachType = attachTypes[hook];
  requireAttachType(program, hook, attachType);
  if (functions !== undefined && addresses !== undefined) {
    throw problem(program, hook, { expected: 'functions or addresses' });
  }
  const wanted = addresses === undefined ? wantedFunctions(program, hook, functions) : [];
  const places = wanted.length + (addresses?.length ?? 0);
  if (places === 0) throw problem(program, hook, { expected: 'at least one function or address' });
  const where = `${hook} ${placesText(wanted.length > 0 ? wanted : addresses!.map((each) => `0x${each.toString(16)}`))}`;
  const attempt: Attempt = { program, where, needs: ['CAP_PERFMON'], causes: kprobeMultiCauses };
  if (cookies !== undefined && cookies.length !== places) {
    throw problem(program, hook, {
      found: `${cookies.length} cookies for ${places} places`,
      expected: 'a cookie for each of the functions or addresses',
    });
  }
  const told = addresses === undefined ? kprobePlaces(attempt, wanted, cookies) : { addresses, cookies };
  const result = linkKprobes(program.fd, attachType, { ...told, returns: hook === 'kretprobe_multi' });
  // The kernel does not say which of the names it was.
  if (result === -Errno.ESRCH && addresses === undefined) throw notTraceable(attempt, wanted);
  return new Link(attached(result, attempt), where);
}

function wantedFunctions(
  program: AttachableProgram,
  hook: string,
  functions: string | readonly string[] | undefined,
): readonly string[] {
  return typeof functions === 'object' ? functions : [targetOf(program, hook, functions)];
}

function problem(
  program: AttachableProgram,
  hook: string,
  fields: { readonly found?: string; readonly expected: string; readonly hint?: string },
): BpfError {
  return new BpfError('ATTACH_FAILED', `program '${program.name}' cannot be attached to ${hook}`, {
    program: program.name,
    ...fields,
  });
}
