import { nearest, BpfError } from '../errors';
import { AttachType } from './attach-types';
import { ProgramType } from './program-types';
import { sectionRows, type SectionRow, type SectionTrait } from './section-rows';
import { type BtfTarget } from './spec';

/** `BPF_F_SLEEPABLE` and `BPF_F_XDP_HAS_FRAGS` of uapi/linux/bpf.h. */
const BPF_F_SLEEPABLE = 1 << 4;
const BPF_F_XDP_HAS_FRAGS = 1 << 5;

/** What a section name says about the programs in it. */
export interface SectionMeaning {
  /** undefined when no pattern matches: the caller may still set a type. */
  readonly type: number | undefined;
  readonly attachType: number;
  readonly attachTypeOptional: boolean;
  readonly flags: number;
  readonly target: string | undefined;
  readonly btfTarget: BtfTarget | undefined;
}

const unknown: SectionMeaning = {
  type: undefined,
  attachType: 0,
  attachTypeOptional: false,
  flags: 0,
  target: undefined,
  btfTarget: undefined,
};

/** The name without the '?' that says "load it only when asked for". */
export function withoutMark(section: string): string {
  return section.startsWith('?') ? section.slice(1) : section;
}

/**
 * Looks a section name up in the table.
 *
 * @param section without a leading '?'
 *
 * @example
 * ```ts
 * sectionMeaning('tp_btf/sched_process_exec');
 * // { type: 26, attachType: 23, target: 'sched_process_exec', btfTarget: { prefix: 'btf_trace_', kind: 'typedef' }, ... }
 * ```
 */
export function sectionMeaning(section: string): SectionMeaning {
  const row = sectionRows.find(([pattern]) => matches(pattern, section));
  if (row === undefined) return unknown;
  const [pattern, type, attachType, ...traits] = row;
  const slash = pattern.endsWith('+') ? section.indexOf('/', pattern.length - 1) : -1;
  return {
    type: ProgramType[type],
    attachType: attachType === undefined ? 0 : AttachType[attachType],
    attachTypeOptional: traits.includes('optional'),
    flags: flagsOf(traits),
    target: slash < 0 ? undefined : section.slice(slash + 1) || undefined,
    btfTarget: btfTargetOf(row),
  };
}

/**
 * Whether a section is of programs for static probes of user-space binaries: `usdt/BINARY:PROVIDER:NAME`.
 *
 * @param section with a leading '?' or not
 */
export function isUsdtSection(section: string): boolean {
  const row = sectionRows.find(([pattern]) => matches(pattern, withoutMark(section)));
  return row !== undefined && row.includes('usdt');
}

/**
 * The error for a program that is to be loaded although its section name says nothing.
 *
 * @param name of the program
 * @param section as written
 */
export function unknownSection(name: string, section: string): BpfError {
  const near = nearest(section.split('/')[0]!, sectionPrefixes);
  return new BpfError('SECTION_UNKNOWN', `program '${name}': its section name says no program type`, {
    program: name,
    section,
    found: `SEC("${section}")`,
    hint:
      near.length > 0
        ? `did you mean ${near.map((word) => `SEC("${withRest(word, section)}")`).join(' or ')}?`
        : 'use a section name of libbpf, such as SEC("xdp") or SEC("kprobe/...")',
  });
}

/** Every pattern without its '+', and the part before the slash of those that have one. */
const sectionPrefixes = new Set(
  sectionRows.flatMap(([pattern]) => [pattern.replace('+', ''), pattern.replace('+', '').split('/')[0]!]),
);

function withRest(word: string, section: string): string {
  const slash = section.indexOf('/');
  return slash < 0 ? word : word + section.slice(slash);
}

function matches(pattern: string, section: string): boolean {
  if (!pattern.endsWith('+')) return pattern === section;
  const stem = pattern.slice(0, -1);
  return section === stem || section.startsWith(`${stem}/`);
}

function flagsOf(traits: readonly SectionTrait[]): number {
  return (
    (traits.includes('sleepable') ? BPF_F_SLEEPABLE : 0) |
    (traits.includes('frags') ? BPF_F_XDP_HAS_FRAGS : 0)
  );
}

/** Only the first part of a section name tells which name its target has in the kernel's BTF. */
function btfTargetOf([pattern, type, , ...traits]: SectionRow): BtfTarget | undefined {
  // freplace's target is a function of another program, not of the kernel.
  if (!traits.includes('btf') || type === 'ext') return undefined;
  if (pattern.startsWith('tp_btf')) return { prefix: 'btf_trace_', kind: 'typedef' };
  if (type === 'lsm') return { prefix: 'bpf_lsm_', kind: 'func' };
  if (pattern.startsWith('iter')) return { prefix: 'bpf_iter_', kind: 'func' };
  return { prefix: '', kind: 'func' };
}
