import { BpfError } from '../errors';
import { programQuery } from '../kernel';
import { Link } from './link';
import { type AttachableProgram } from './program';

/**
 * A program at the same attach point, to attach beside: by its link, as itself (where no link holds it), or by an id
 * of the kernel. Not for programs that are there through a link: name the link.
 */
export type Anchor = Link | AttachableProgram | { readonly linkId: number } | { readonly programId: number };

/** The place among the programs of an attach point that runs several in order. */
export interface MprogPlace {
  /** Before or behind all that are there now; `last` by default. */
  readonly order?: 'first' | 'last' | undefined;
  /** Right before this one. */
  readonly before?: Anchor | undefined;
  /** Right behind this one. */
  readonly after?: Anchor | undefined;
  /** Only if nobody changed the attach point since it had this revision. */
  readonly revision?: bigint | undefined;
}

/** Flags of include/uapi/linux/bpf.h; BPF_F_BEFORE and BPF_F_AFTER without an anchor: before all, behind all. */
const BPF_F_BEFORE = 1 << 3;
const BPF_F_AFTER = 1 << 4;
const BPF_F_ID = 1 << 5;
const BPF_F_LINK = 1 << 13;

/** What BPF_LINK_CREATE is told of a place: `flags`, and the fields of its `mprog` part. */
export interface MprogFields {
  readonly flags: number;
  readonly part: { readonly relative: number; readonly expected_revision: bigint | undefined };
}

/**
 * The fields for a place; without one all are zero, which kernels without places take too.
 *
 * @throws BpfError ATTACH_FAILED when more than one of order, before and after is given
 */
export function mprogFields(program: AttachableProgram, place: MprogPlace): MprogFields {
  const { order, before, after, revision } = place;
  if ([order, before, after].filter((value) => value !== undefined).length > 1) {
    throw new BpfError('ATTACH_FAILED', `program '${program.name}': its place is given more than once`, {
      program: program.name,
      expected: 'at most one of order, before and after',
    });
  }
  const direction =
    before !== undefined || order === 'first'
      ? BPF_F_BEFORE
      : after !== undefined || order === 'last'
        ? BPF_F_AFTER
        : 0;
  const { flags, relative } = anchorFields(before ?? after);
  return { flags: direction | flags, part: { relative, expected_revision: revision } };
}

function anchorFields(anchor: Anchor | undefined): { readonly flags: number; readonly relative: number } {
  if (anchor === undefined) return { flags: 0, relative: 0 };
  if (anchor instanceof Link) return { flags: BPF_F_LINK, relative: anchor.fd };
  if ('linkId' in anchor) return { flags: BPF_F_LINK | BPF_F_ID, relative: anchor.linkId };
  if ('programId' in anchor) return { flags: BPF_F_ID, relative: anchor.programId };
  return { flags: 0, relative: anchor.fd };
}

/** The programs of an attach point, in the order in which they run. */
export interface AttachPoint {
  /** Counts the changes; 0 where the kernel does not. */
  readonly revision: bigint;
  readonly programIds: readonly number[];
}

/** bpf_mprog_max() and BPF_CGROUP_MAX_PROGS: an attach point holds at most as many. */
const mostPrograms = 64;

/**
 * What an attach point holds.
 *
 * @param target fd of the cgroup, or index of the interface
 * @param flags `query_flags`
 * @returns undefined where the kernel has no such attach point
 */
export function queryAttachPoint(target: number, attachType: number, flags = 0): AttachPoint | undefined {
  const ids = new Uint32Array(mostPrograms);
  const { result, out } = programQuery({
    target,
    attach_type: attachType,
    query_flags: flags,
    prog_ids: new Uint8Array(ids.buffer),
    count: mostPrograms,
  });
  if (result < 0) return undefined;
  return { revision: out.revision, programIds: [...ids.subarray(0, out.count)] };
}
