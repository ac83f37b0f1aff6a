import fs from 'node:fs';
import { BpfError, mapInfo, pinObject } from '@nx-bpf/loader';
import { createFrozenMap, readFrozenMap } from './frozen-map';
import { type Layout } from './layout';
import { openPinned } from './ledger-map';

/** A map of ours that the manifest wants pinned outside of the project's directory (`pin: { path: ... }`). */
export interface OutsidePin {
  readonly pin: string;
  /** The kernel's id of the map. */
  readonly id: number;
}

/**
 * Notes which outside pins an apply is about to make or to remove. What lies in the project's own directory is ours by
 * its place; of these nothing would tell after a SIGKILL whose they are. The note is a pin that starts `new__`, and
 * goes when the apply is done.
 */
export function noteOutsidePins(layout: Layout, pins: readonly OutsidePin[]): void {
  fs.rmSync(layout.outside, { force: true });
  if (pins.length === 0) return;
  const note = createFrozenMap('nxbpf_outside', Buffer.from(JSON.stringify(pins), 'utf8'));
  try {
    pinObject(note.number, 'note of outside pins', layout.outside);
  } finally {
    note.close();
  }
}

/** The outside pins that an apply was about to make or to remove when it was killed; empty if none was. */
export function notedOutsidePins(layout: Layout): OutsidePin[] {
  const note = openPinned(layout.outside, 'map');
  if (note === undefined) return [];
  try {
    return JSON.parse(Buffer.from(readFrozenMap(note.number)).toString('utf8')) as OutsidePin[];
  } finally {
    note.close();
  }
}

/** The id of the map that is pinned at a path; undefined if there is none, or something else. */
export function pinnedMapId(pin: string): number | undefined {
  try {
    const fd = openPinned(pin, 'map');
    if (fd === undefined) return undefined;
    try {
      return mapInfo(fd.number).id;
    } finally {
      fd.close();
    }
  } catch (error) {
    if (error instanceof BpfError && error.code === 'PIN_INVALID') return undefined;
    throw error;
  }
}

/** Removes an outside pin, unless by now it holds what somebody else put there. */
export function removeOutsidePin({ pin, id }: OutsidePin): boolean {
  if (pinnedMapId(pin) !== id) return false;
  fs.rmSync(pin);
  return true;
}
