import { isGlob } from '../bytes';
import { type Binary, findFunction, matchFunctions } from '../elf';
import { BpfError, type ErrorFields } from '../errors';
import { linkCreate, multiReturnFlag, u64Array } from '../kernel';
import { AttachType, ProgramType } from '../object';
import { uprobeMultiCauses } from './causes';
import { attached, type Attempt } from './failure';
import { findBinary } from './find-binary';
import { Link } from './link';
import { placesText } from './places-text';
import { type AttachableProgram } from './program';
import { readBinary } from './read-binary';
import { requireAttachType, requireType } from './require-type';
import { sectionOf } from './section-hooks';
import { splitUserTarget } from './user-place';

export interface UprobeMultiOptions {
  /** A path, or a bare name: a library that ld.so finds, or a program in PATH; by default the section name's. */
  readonly binary?: string | undefined;
  /**
   * Names, with a version if need be, and patterns in which `*` stands for any characters and `?` for one: every
   * function that fits one. By default what the program's section says.
   */
  readonly functions?: string | readonly string[] | undefined;
  /** Offsets in the file instead of names. */
  readonly offsets?: readonly bigint[] | undefined;
  /** For each of the offsets or functions (not patterns), where in the file the number is that counts its users; 0: none. */
  readonly referenceCounters?: readonly bigint[] | undefined;
  /** What bpf_get_attach_cookie() returns at each of the offsets or functions (not patterns), in their order. */
  readonly cookies?: readonly bigint[] | undefined;
  /** Only in this process; in every one by default. Linux 6.6 to 6.9 see only its first thread. */
  readonly pid?: number | undefined;
}

/**
 * Attach a program to many functions of a binary at once, at their entry (Linux 6.6): one link, which is made and taken
 * away in far less time than as many uprobes. The program must have been loaded for it, `SEC("uprobe.multi/...")`.
 *
 * @throws BpfError BINARY_NOT_FOUND, BINARY_UNSUPPORTED, ELF_MALFORMED, FUNCTION_NOT_FOUND for a name that is not there
 *   and a pattern that fits nothing, FUNCTION_AMBIGUOUS, PRIVILEGE_MISSING, ATTACH_FAILED
 *
 * @example
 * ```ts
 * const link = attachUprobeMulti(program, { binary: 'libc.so.6', functions: ['fork', 'pthread_mutex_*'] });
 * ```
 */
export function attachUprobeMulti(program: AttachableProgram, options: UprobeMultiOptions = {}): Link {
  return probeMany(program, 'uprobe_multi', options);
}

/**
 * As {@link attachUprobeMulti}, where the functions return: `SEC("uretprobe.multi/...")`.
 *
 * @example
 * ```ts
 * const link = attachUretprobeMulti(program, { binary: 'libc.so.6', functions: 'getppid', cookies: [7n] });
 * ```
 */
export function attachUretprobeMulti(program: AttachableProgram, options: UprobeMultiOptions = {}): Link {
  return probeMany(program, 'uretprobe_multi', options);
}

/**
 * As {@link attachUprobeMulti}, at the entry of the functions and at their return (Linux 6.13), of which the program
 * leaves out those where it returns 1 at the entry. `SEC("uprobe.session/...")`.
 *
 * @example
 * ```ts
 * const link = attachUprobeSession(program, { binary: 'libc.so.6', functions: 'getppid' });
 * ```
 */
export function attachUprobeSession(program: AttachableProgram, options: UprobeMultiOptions = {}): Link {
  return probeMany(program, 'uprobe_session', options);
}

const attachTypes = {
  uprobe_multi: AttachType.trace_uprobe_multi,
  uretprobe_multi: AttachType.trace_uprobe_multi,
  uprobe_session: AttachType.trace_uprobe_session,
} as const;

type MultiHook = keyof typeof attachTypes;

function probeMany(program: AttachableProgram, hook: MultiHook, options: UprobeMultiOptions): Link {
  requireType(program, hook, [ProgramType.kprobe]);
  requireAttachType(program, hook, attachTypes[hook]);
  const { binary, functions } = wantedPlaces(program, hook, options);
  const { referenceCounters, cookies, pid } = options;
  const patterns = functions.filter(isGlob);
  const places = options.offsets?.length ?? functions.length;
  for (const [what, list] of Object.entries({ referenceCounters, cookies })) {
    if (list === undefined || (patterns.length === 0 && list.length === places)) continue;
    throw problem(program, hook, {
      found: `${list.length} ${what} for ${patterns.length > 0 ? `the pattern '${patterns[0]}'` : `${places} places`}`,
      expected: 'one for each of the functions or offsets, which are not patterns then',
    });
  }
  const file = findBinary(binary, { pid });
  const offsets =
    options.offsets ?? readBinary(file, (elf) => functions.flatMap((each) => placesOf(elf, each)));
  const shown = options.offsets === undefined ? functions : offsets.map((each) => `0x${each.toString(16)}`);
  const where = `${hook} ${file}:${placesText(shown)}${pid === undefined ? '' : ` of process ${pid}`}`;
  const fd = attachUserProbes(program, {
    ...{ hook, where, file, referenceCounters, cookies, pid },
    // A function that several patterns fit is one place.
    offsets: patterns.length > 0 ? [...new Set(offsets)] : offsets,
  });
  return new Link(fd, where);
}

/** Places of one file, for one link. */
export interface UserProbes {
  readonly hook: MultiHook | 'usdt';
  /** For messages, with the hook. */
  readonly where: string;
  readonly file: string;
  readonly offsets: readonly bigint[];
  readonly referenceCounters: readonly bigint[] | undefined;
  readonly cookies: readonly bigint[] | undefined;
  readonly pid: number | undefined;
}

/**
 * One link for many places of a file (Linux 6.6).
 *
 * @returns its fd
 * @throws BpfError PRIVILEGE_MISSING, ATTACH_FAILED
 */
export function attachUserProbes(program: AttachableProgram, probes: UserProbes): number {
  const { hook, where, file, offsets, referenceCounters = [], cookies = [], pid } = probes;
  const attempt: Attempt = { program, where, needs: ['CAP_PERFMON'], causes: uprobeMultiCauses };
  const attachType = hook === 'usdt' ? AttachType.trace_uprobe_multi : attachTypes[hook];
  const result = linkCreate({ prog_fd: program.fd, attach_type: attachType }, 'uprobe_multi', {
    path: file,
    offsets: u64Array(offsets),
    ref_ctr_offsets: u64Array(referenceCounters),
    cookies: u64Array(cookies),
    cnt: offsets.length,
    flags: hook === 'uretprobe_multi' ? multiReturnFlag : 0,
    pid,
  });
  return attached(result, attempt);
}

function wantedPlaces(
  program: AttachableProgram,
  hook: string,
  options: UprobeMultiOptions,
): { readonly binary: string; readonly functions: readonly string[] } {
  const { functions, offsets } = options;
  const said = program.target === undefined ? undefined : splitUserTarget(program.target);
  const binary = options.binary ?? said?.[0];
  const named = typeof functions === 'string' ? [functions] : functions;
  const inside = named ?? (offsets === undefined && said !== undefined ? [said[1]] : []);
  if (named !== undefined && offsets !== undefined) {
    throw problem(program, hook, { expected: 'functions or offsets' });
  }
  if (binary === undefined || (offsets?.length ?? inside.length) === 0) {
    throw problem(program, hook, {
      expected: 'a binary, and at least one function, pattern or offset in it',
      hint: `or name them in the program's section: ${sectionOf(hook)}/BINARY:PATTERN`,
    });
  }
  return { binary, functions: inside };
}

function placesOf(elf: Binary, name: string): bigint[] {
  const found = isGlob(name) ? matchFunctions(elf, name) : [findFunction(elf, name)];
  return found.map(({ offset }) => BigInt(offset));
}

function problem(program: AttachableProgram, hook: string, fields: ErrorFields): BpfError {
  return new BpfError(
    'ATTACH_FAILED',
    `program '${program.name}': attach to ${hook}: ${fields.found === undefined ? 'the places are not clear' : 'impossible'}`,
    { program: program.name, ...fields },
  );
}
