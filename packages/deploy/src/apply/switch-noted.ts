import fs from 'node:fs';
import path from 'node:path';
import {
  attachLwt,
  attachmentPlace,
  attachTc,
  BpfError,
  inPlaceOf,
  lookAtPlace,
  openPlace,
  programInfo,
  type AttachableProgram,
  type AttachmentPlace,
  type HookOptions,
} from '@nx-bpf/loader';
import { type AttachEntry } from '../manifest';
import {
  createNote,
  linkPin,
  lookAtPlaces,
  notedPlaces,
  readNote,
  removeNoted,
  type Layout,
  type LedgerLink,
  type NotedPlace,
} from '../state';
import { hookOptions } from './hook-options';
import { type LinkStep, type LiveLink } from './links';
import { replacePin } from './pins';
import { programThere } from './runnable';
import { removePin } from './held';
import { type Undo } from './undo';

/**
 * Makes one attachment that no link holds (a filter of `tc`, a route of `lwt`) what the plan says. Where it stays in its
 * place the program is put into it, at once; else the new one is made first, and the old one goes after the commit. A
 * note, pinned before each step, tells what is ours.
 *
 * @throws BpfError ATTACH_CONFLICT when somebody else has something in that place
 */
export function switchNoted(step: LinkStep, undo: Undo): LiveLink {
  const { change, layout, recordedLink } = step;
  const entry = step.entry as AttachEntry;
  const pin = linkPin(layout, change.name);
  const noted = notedPlaces(linkPin(layout, change.renamedFrom ?? change.name), recordedLink);
  const there = lookAtPlaces(noted)?.ours;
  const switches = change.action !== 'keep' && !(change.action === 'update' && change.switch === null);
  if (!switches) {
    if (there === undefined) throw new BpfError('INTERNAL', `link ${change.name} is kept, and is not there`);
    if (change.renamedFrom !== null) exchangeNote(pin, noted, step, undo);
    return live(there.place);
  }
  const program = step.runs as AttachableProgram;
  const { id } = programInfo(program.fd);
  const options = hookOptions(entry, step.references, undo) as unknown as HookOptions['tc'] &
    HookOptions['lwt'];
  const planned = attachmentPlace(program, entry.hook as 'tc' | 'lwt', options);
  const place = there && inPlaceOf(there.place, planned);
  if (there !== undefined && place !== undefined) {
    const before = programThere(there.programId, layout, step.recorded, recordedLink?.program, undo);
    undo.touch();
    exchangeNote(pin, [...noted, { place, programIds: [id] }], step, undo);
    // Before the step, since a failure may come after it.
    undo.push(`switch link ${change.name} back`, () => {
      if (lookAtPlaces([{ place, programIds: [id] }])?.ours === undefined) return;
      if (before === undefined)
        throw new BpfError(
          'PROGRAM_NOT_FOUND',
          'the program that ran before is not attached again: it cannot be opened, by a pin or by its id',
        );
      openPlace(there.place).update(before);
    });
    openPlace(place).update(program);
    return live(place);
  }
  if (noted.length > 0) undo.touch();
  const made = { place: withQdisc(layout, planned), programIds: [id] };
  exchangeNote(pin, [...noted, made], step, undo);
  undo.push(`detach link ${change.name}`, () => removeNoted([made], []));
  const attachment = attachAt(program, entry.hook as 'tc' | 'lwt', options, made.place);
  // It says which numbers the kernel chose.
  writeNote(pin, [...noted, { place: attachment, programIds: [id] }], step.mode);
  return live(attachment);
}

function live(place: AttachmentPlace): LiveLink {
  return { link: undefined, place, target: openPlace(place).describe() };
}

/**
 * Attaches, to stay beyond this process.
 *
 * @returns its place, with the numbers that the kernel chose
 * @throws BpfError ATTACH_CONFLICT with what is there, ...
 */
function attachAt(
  program: AttachableProgram,
  hook: 'tc' | 'lwt',
  options: HookOptions['tc'] & HookOptions['lwt'],
  planned: AttachmentPlace,
): AttachmentPlace {
  try {
    const made = hook === 'tc' ? attachTc(program, options) : attachLwt(program, options);
    made.release();
    const { place } = made;
    if (place.hook !== 'tc' || planned.hook !== 'tc') return place;
    return { ...place, madeQdisc: planned.madeQdisc };
  } catch (error) {
    if (!(error instanceof BpfError) || error.code !== 'ATTACH_CONFLICT') throw error;
    const { other } = lookAtPlace(planned, []);
    if (other === undefined) throw error;
    const what = `program '${program.name}': attach to ${openPlace(planned).describe()}`;
    throw new BpfError('ATTACH_CONFLICT', what, { ...error.fields, found: other }, error);
  }
}

/** A clsact that one of our filters was the reason for goes with the last of them, whichever that is. */
function withQdisc(layout: Layout, place: AttachmentPlace): AttachmentPlace {
  if (place.hook !== 'tc' || place.madeQdisc) return place;
  const madeQdisc = notedOf(layout).some(
    ({ place: other }) =>
      other.hook === 'tc' &&
      other.madeQdisc &&
      other.ifindex === place.ifindex &&
      other.netns === place.netns,
  );
  return { ...place, madeQdisc };
}

function notedOf({ links }: Layout): NotedPlace[] {
  const pins = fs.readdirSync(links).sort();
  return pins.flatMap((name) => readNote(path.join(links, name)) ?? []);
}

function writeNote(pin: string, noted: readonly NotedPlace[], mode: number): void {
  const note = createNote(noted);
  try {
    replacePin(note, 'note of an attachment', pin, mode);
  } finally {
    note.close();
  }
}

/** Writes a note so that the undo writes again what was there before. */
function exchangeNote(pin: string, noted: readonly NotedPlace[], { mode }: LinkStep, undo: Undo): void {
  const before = readNote(pin);
  undo.push('write the note of an attachment as before', () => {
    if (before === undefined) removePin(pin);
    else writeNote(pin, before, mode);
  });
  writeNote(pin, noted, mode);
}

/**
 * Makes what is attached under an id without a link what a ledger says: what was there before a commit, or came without
 * one, goes. A filter or route that runs a program of an apply that was killed stays: it is drift, which is repaired in
 * place.
 */
export function settleNoted(
  layout: Layout,
  link: LedgerLink,
  links: readonly LedgerLink[],
  mode: number,
): void {
  const pin = linkPin(layout, link.id);
  const noted = readNote(pin);
  if (noted === undefined || link.place === undefined) return;
  removeNoted(noted, links);
  const exact = [{ place: link.place, programIds: [link.programId] }];
  if (JSON.stringify(noted) === JSON.stringify(exact)) return;
  if (lookAtPlaces(exact)?.ours !== undefined) writeNote(pin, exact, mode);
}
