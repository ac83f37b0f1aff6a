import { imm, isCall, isPseudoCall, setImm, slotCount, src } from '../asm';
import {
  Errno,
  type Feature,
  features,
  hasFeature,
  type LayoutInput,
  type MAP_CREATE,
  type ProgramLoadAttributes,
} from '../kernel';

/** Asks whether the kernel has a feature. */
type Has = (feature: Feature) => boolean | undefined;

type MapAttributes = LayoutInput<typeof MAP_CREATE>;

/** `BPF_F_MMAPABLE` of uapi/linux/bpf.h. */
const BPF_F_MMAPABLE = 1 << 10;

/**
 * Helpers that are told apart since Linux 5.5 (6ae08ae3dea2), and what they were before:
 * bpf_probe_read_user() and _kernel() bpf_probe_read(), the two for strings bpf_probe_read_str().
 */
const olderHelpers: ReadonlyMap<number, number> = new Map([
  [112, 4],
  [113, 4],
  [114, 45],
  [115, 45],
]);

/** How a kernel refuses what it does not know: E2BIG for attributes, EINVAL for values and helpers. */
export function mayBeTooOld(result: number): boolean {
  return result === -Errno.EINVAL || result === -Errno.E2BIG;
}

/**
 * A load without what this kernel does not know and the program can do without: its name, an expected attach type that
 * is optional, the newer of two helpers that do the same.
 *
 * @param attachTypeOptional as the section name of the program says
 * @returns undefined if there is nothing to change
 */
export function olderProgram(
  attributes: ProgramLoadAttributes,
  attachTypeOptional: boolean,
  has: Has = hasFeature,
): ProgramLoadAttributes | undefined {
  let older = attributes;
  if (attachTypeOptional && older.expected_attach_type && has(features.expectedAttachType) === false)
    older = { ...older, expected_attach_type: 0 };
  const insns = older.insns as Uint8Array;
  if (callsNewReads(insns) && has(features.probeReadKernel) === false)
    older = { ...older, insns: withOlderReads(insns) };
  if (older.prog_name && has(features.names) === false) older = { ...older, prog_name: undefined };
  return older === attributes ? undefined : older;
}

/** The same for a map: its name, and that its values can be mapped into memory. */
export function olderMap(attributes: MapAttributes, has: Has = hasFeature): MapAttributes | undefined {
  let older = attributes;
  const flags = older.map_flags ?? 0;
  if ((flags & BPF_F_MMAPABLE) !== 0 && has(features.mappableArrays) === false)
    older = { ...older, map_flags: flags & ~BPF_F_MMAPABLE };
  if (older.map_name && has(features.names) === false) older = { ...older, map_name: undefined };
  return older === attributes ? undefined : older;
}

function isNewRead(insns: Uint8Array, i: number): boolean {
  return (
    isCall(insns, i) && !isPseudoCall(insns, i) && src(insns, i) === 0 && olderHelpers.has(imm(insns, i))
  );
}

function callsNewReads(insns: Uint8Array): boolean {
  for (let i = 0; i < slotCount(insns); i++) if (isNewRead(insns, i)) return true;
  return false;
}

function withOlderReads(insns: Uint8Array): Uint8Array {
  const changed = new Uint8Array(insns);
  for (let i = 0; i < slotCount(changed); i++) {
    if (isNewRead(changed, i)) setImm(changed, i, olderHelpers.get(imm(changed, i))!);
  }
  return changed;
}
