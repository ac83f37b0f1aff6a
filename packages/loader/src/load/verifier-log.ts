/** What the verifier says when it rejects a program, read out of its log. */
export interface VerifierVerdict {
  /** The line that says why, with those that explain it: `R0 invalid mem access 'map_value_or_null'`. */
  readonly reason: string;
  /** Index of the instruction that it was looking at, undefined for a complaint about the whole program. */
  readonly insn: number | undefined;
  /** That instruction as the verifier prints it. */
  readonly instruction: string | undefined;
  /** What it knew about the registers that the reason and the instruction name: `R0=map_value_or_null(id=1,ks=4)`. */
  readonly registers: readonly string[];
  /** What the kernel itself suggests; kernels up to 7.2 suggest nothing. */
  readonly suggestion: string | undefined;
}

/** `7: (85) call bpf_map_lookup_elem#1    ; R0=map_value_or_null(id=1)`, perhaps with text behind a jump. */
const instructionLine = /^\s*(\d+): (\([0-9a-f]{2}\) .*)$/;

/** A jump's line is not ended before the verifier goes on: what follows the target is the next message. */
const messageBehindJump = /^(\([0-9a-f]{2}\) .*?goto pc[+-]\d+) +(?!;|\d+: )(\S.*)$/;

/** Lines that say where the verifier is and what it knows, but never why it stops. */
const noise: readonly RegExp[] = [
  /^;/, // source
  /^\s*(from \d+ to )?\d+: /, // state
  /^\s*(frame\d+:)?\s*R\d+(_\w+)?=/,
  /^(cur|old) state:/,
  /^(caller|callee|returning from callee|to caller at \d+|Func#\d+|Validating |Global function |Live regs before insn)/,
  /^(mark_precise|regs=|parent (didn't|already)|last_idx|first_idx|propagating|processed \d+ insns|verification time|stack depth)/,
  /^\s*$/,
];

/**
 * Headings of the report that kernels from 7.3 write behind the classic message (ce7c9f6c599b): the text is on the same
 * line, or on the lines below, indented.
 */
type Heading = 'Verification failed' | 'Reason' | 'At' | 'Suggestion';

/** More lines than this no message has: what is above belongs to something else. */
const longestMessage = 3;

/**
 * Read a verifier log: the classic format, where the reason is what follows the last instruction, and that of
 * kernels from 7.3, behind which a report has the headings `Verification failed:`, `Reason:`, `At:` and `Suggestion:`.
 *
 * @param lines the log, a line an element
 * @returns undefined for a log without a message, such as one with nothing but statistics
 *
 * @example
 * ```ts
 * readVerdict(['0: (bf) r0 = r7', 'R7 !read_ok', 'processed 1 insns ...']);
 * // { reason: 'R7 !read_ok', insn: 0, instruction: '(bf) r0 = r7', registers: [], suggestion: undefined }
 * ```
 */
export function readVerdict(lines: readonly string[]): VerifierVerdict | undefined {
  const split = lines.flatMap(splitJump);
  const last = split.findLastIndex((line) => instructionLine.test(line) && !isState(line));
  const reason =
    reported(split, 'Reason') ?? reported(split, 'Verification failed') ?? classicReason(split, last);
  if (reason === undefined) return undefined;
  const [, number, text] = (last >= 0 && instructionLine.exec(split[last]!)) || [];
  const instruction = text?.replace(/\s*;.*$/, '');
  const named = /\binsn (\d+)/.exec(reported(split, 'At') ?? reason)?.[1];
  const seen = named ?? number;
  return {
    reason,
    insn: seen === undefined ? undefined : Number(seen),
    instruction: seen === number ? instruction : undefined,
    registers: last < 0 ? [] : registersOf(`${reason} ${instruction}`, split.slice(0, last)),
    suggestion: reported(split, 'Suggestion'),
  };
}

function splitJump(line: string): string[] {
  const [, number, text] = instructionLine.exec(line) ?? [];
  const [, jump, message] = (text !== undefined && messageBehindJump.exec(text)) || [];
  return jump === undefined ? [line] : [`${number}: ${jump}`, message!];
}

function isState(line: string): boolean {
  return !/^\s*\d+: \([0-9a-f]{2}\) /.test(line);
}

/** The text under a heading of the report, in one line; undefined if there is none. */
function reported(lines: readonly string[], heading: Heading): string | undefined {
  const start = lines.findIndex((line) => line.startsWith(`${heading}:`));
  if (start < 0) return undefined;
  const below = lines.slice(start + 1);
  const end = below.findIndex((line) => !/^\s+\S/.test(line));
  const text = [lines[start]!.slice(heading.length + 1), ...below.slice(0, end < 0 ? below.length : end)];
  return (
    text
      .map((line) => line.trim())
      .filter((line) => line !== '')
      .join(' ') || undefined
  );
}

/** Messages behind the last instruction; if there is none, the last message of all. */
function classicReason(lines: readonly string[], last: number): string | undefined {
  const isMessage = (line: string) => !noise.some((pattern) => pattern.test(line));
  const behind = lines.slice(last + 1).filter(isMessage);
  if (behind.length > 0) return behind.slice(0, longestMessage).join('; ');
  return lines.slice(0, Math.max(last, 0)).findLast((line) => isMessage(line) && !instructionLine.test(line));
}

/** The last known state of each register that a text names; R10 is the frame and always known. */
function registersOf(text: string, before: readonly string[]): string[] {
  const numbers = new Set([...text.matchAll(/\b[rRw](\d)\b/g)].map((match) => match[1]!));
  const states: string[] = [];
  for (const number of [...numbers].sort()) {
    const pattern = new RegExp(`\\bR${number}(?:_\\w+)?=((?:\\([^()]*(?:\\([^()]*\\)[^()]*)*\\)|[^\\s(])+)`);
    const line = before.findLast((candidate) => pattern.test(candidate));
    const value = line === undefined ? undefined : pattern.exec(line)?.[1];
    if (value !== undefined) states.push(`R${number}=${value}`);
  }
  return states;
}
