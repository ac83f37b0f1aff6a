import {
  BpfError,
  hooks,
  inPlaceOf,
  lookAtPlace,
  openPlace,
  removeLeftQdisc,
  type AttachmentPlace,
  type Fd,
  type HookName,
} from '@nx-bpf/loader';
import { isThere } from './directories';
import { createFrozenMap, readFrozenMap } from './frozen-map';
import { openPinned } from './ledger-map';
import { type LedgerLink } from './ledger';

/**
 * Where something may be attached that no link holds, and the ids of the programs that it may run. What runs another one
 * there is somebody else's.
 */
export interface NotedPlace {
  readonly place: AttachmentPlace;
  readonly programIds: readonly number[];
}

/** Whether the kernel has no links for a hook: what is attached there is found by its place. */
export function isUnlinked(hook: string): boolean {
  return hook !== 'struct_ops' && hooks[hook as HookName].unlinked === true;
}

/**
 * What is pinned in the place of a link for hooks without links: a frozen map that tells the places under one id. It is
 * written before anything is attached, so that after a SIGKILL it can be told what is ours.
 */
export function createNote(noted: readonly NotedPlace[]): Fd {
  return createFrozenMap('nxbpf_attached', Buffer.from(JSON.stringify(noted), 'utf8'));
}

/** The note pinned at a path; undefined if nothing is pinned there, or something else. */
export function readNote(pin: string): NotedPlace[] | undefined {
  if (!isThere(pin)) return undefined;
  let fd: Fd | undefined;
  try {
    fd = openPinned(pin, 'map');
  } catch (error) {
    if (error instanceof BpfError && error.code === 'PIN_INVALID') return undefined;
    throw error;
  }
  if (fd === undefined) return undefined;
  try {
    // A struct_ops that no link holds is pinned by its map.
    const value = readFrozenMap(fd.number);
    return value.length === 0 ? undefined : (JSON.parse(Buffer.from(value).toString('utf8')) as NotedPlace[]);
  } finally {
    fd.close();
  }
}

/** The places under the id of a link: by its note, or, where somebody removed that, by the ledger. */
export function notedPlaces(pin: string, recorded: LedgerLink | undefined): NotedPlace[] {
  const note = readNote(pin);
  if (note !== undefined) return note;
  if (recorded?.place === undefined) return [];
  return [{ place: recorded.place, programIds: [recorded.programId] }];
}

/** What there is at noted places: the last of ours, else what somebody else has there. */
export function lookAtPlaces(noted: readonly NotedPlace[]): ReturnType<typeof lookAtPlace> | undefined {
  const looks = noted.map(({ place, programIds }) => lookAtPlace(place, programIds));
  return looks.findLast(({ ours }) => ours !== undefined) ?? looks.at(-1);
}

/** Takes away what is ours at noted places, but for what a ledger names. */
export function removeNoted(noted: readonly NotedPlace[], keep: readonly LedgerLink[]): void {
  for (const { place, programIds } of noted) {
    const { ours, moved } = lookAtPlace(place, programIds);
    if (ours === undefined) {
      if (!moved) removeLeftQdisc(place);
      continue;
    }
    const isKept = keep.some((link) => link.place !== undefined && isSamePlace(link.place, ours.place));
    if (!isKept) openPlace(ours.place).close();
  }
}

/** Whether two places are one to the kernel: what is put into the one is in the other. */
export function isSamePlace(a: AttachmentPlace, b: AttachmentPlace): boolean {
  return inPlaceOf(a, b) !== undefined;
}
