import fs from 'node:fs';
import {
  attach,
  attachStructOps,
  BpfError,
  copyStructOps,
  Link,
  StructOpsRegistration,
  UsdtLinks,
  withObject,
  type AttachableProgram,
  type Attachment,
  type AttachmentPlace,
  type HookOptions,
  type StructOpsMap,
} from '@nx-bpf/loader';
import { type AttachEntry, type LinkEntry, type StructOpsEntry } from '../manifest';
import { type LinkChange } from '../plan';
import {
  isDirectory,
  isThere,
  isUnlinked,
  linkPin,
  type Layout,
  type Ledger,
  type LedgerLink,
} from '../state';
import {
  exchangeHeld,
  heldId,
  heldParts,
  linksOf,
  openHeld,
  removePin,
  replaceHeld,
  type Held,
} from './held';
import { hookOptions, type References } from './hook-options';
import { pinTemporarily } from './pins';
import { Registration } from './registration';
import { ranOn, type Runnable } from './runnable';
import { switchNoted } from './switch-noted';
import { type Undo } from './undo';

/** What a ledger says of how a link is held. */
export function recordOf({ link, place }: LiveLink): Pick<LedgerLink, 'kernelId' | 'parts' | 'place'> {
  if (link === undefined) return { kernelId: 0, parts: undefined, place };
  return { kernelId: heldId(link), parts: heldParts(link), place: undefined };
}

/** A link of the new generation. */
export interface LiveLink {
  readonly link: Held | undefined;
  /** Where it is, for hooks without links: see `switchNoted`. */
  readonly place?: AttachmentPlace | undefined;
  /** `xdp on eth0 (native)`, as the kernel made it. */
  readonly target: string;
}

export interface LinkStep {
  readonly layout: Layout;
  readonly change: LinkChange;
  readonly entry: LinkEntry;
  readonly runs: Runnable;
  readonly recorded: Ledger | undefined;
  /** What the ledger says of it. */
  readonly recordedLink: LedgerLink | undefined;
  /** What is pinned in its place now. */
  readonly before: LinkBefore | undefined;
  /** What the options of `entry` name. */
  readonly references: References;
  /** What those of the entry before named. */
  readonly referencesBefore: References;
  /** Mode of directories, from which that of pins comes. */
  readonly mode: number;
}

/** A link that is there, with what is needed to go back to it. */
export interface LinkBefore {
  readonly link: Held;
  /** What runs on it, ours or not; undefined where it cannot be opened any more. */
  readonly runs: Runnable | undefined;
  /** How it was attached; undefined if no ledger says so. */
  readonly entry: LinkEntry | undefined;
}

/** What is pinned as a link now, from the generation before or from an apply that was killed. */
export function linkBefore(
  layout: Layout,
  recorded: Ledger | undefined,
  id: string,
  undo: Undo,
): LinkBefore | undefined {
  const place = linkPin(layout, id);
  if (!isThere(place)) return undefined;
  // An empty directory is what was left where its parts were removed.
  if (isDirectory(place) && fs.readdirSync(place).length === 0) return undefined;
  const link = openHeld(place);
  undo.own(`link ${id}`, link);
  const entry = recorded?.links.find((each) => each.id === id);
  return {
    link,
    runs: ranOn(link, layout, recorded, entry?.program, undo),
    entry: entry?.kernelId === heldId(link) ? entry.entry : undefined,
  };
}

/**
 * Makes one link what the plan says, in a way that can be undone. A kept or updated link stays the same kernel object
 * under the same pin.
 */
export function switchLink(step: LinkStep, undo: Undo): LiveLink {
  const { change, before } = step;
  if (isUnlinked(step.entry.hook)) return switchNoted(step, undo);
  switch (change.action) {
    case 'keep':
    case 'update': {
      const { link, runs } = before!;
      if (change.switch === 'atomic') {
        undo.touch();
        link.update(step.runs, runs);
        undo.push(`switch link ${change.name} back`, () => {
          if (runs === undefined) throw unknownBefore('it cannot be opened, by a pin or by its id');
          link.update(runs, step.runs);
        });
      }
      // The pin under the name before goes after the commit, with all that the new ledger does not name.
      if (change.renamedFrom !== null) pinLink(step, link, undo);
      return { link, target: link.describe() };
    }
    case 'create':
    case 'replace': {
      if (change.action === 'replace') undo.touch();
      const link = attachInPlace(step, undo);
      pinLink(step, link, undo);
      return { link, target: link.describe() };
    }
    case 'remove':
      throw new BpfError('INTERNAL', `link ${change.name} is to be removed, not switched`);
  }
}

function pinLink({ change, layout, mode }: LinkStep, link: Held, undo: Undo): void {
  exchangeHeld(link, `link '${change.name}'`, linkPin(layout, change.name), { mode, undo });
}

/**
 * A new link in place of one that cannot be updated. It is made first, so both run for a moment, unless the manifest
 * wants a gap. Where the hook takes only one program (an XDP interface in another mode) the old one has to go first,
 * too.
 */
function attachInPlace(step: LinkStep, undo: Undo): Held {
  const { change, before } = step;
  if (before === undefined || change.switch !== 'gap') {
    try {
      const link = attachEntry(step, undo);
      // Its pin is about to go, which does not take it off.
      if (before?.link instanceof Registration) leave(step, before, undo);
      return link;
    } catch (error) {
      const inTheWay = error instanceof BpfError && error.code === 'ATTACH_CONFLICT';
      if (!inTheWay || before === undefined) throw error;
    }
  }
  leave(step, before, undo);
  const link = attachEntry(step, undo);
  // Closed with its pin gone it would still be there until an RCU grace period is over, and be in the way itself.
  undo.push(`detach link ${change.name}`, () => void detachNow(link));
  return link;
}

/**
 * Detaches a link, pins or not.
 *
 * @returns false for kinds that the kernel does not detach on request (tracing, perf events, raw tracepoints): those go
 *   with their last fd and pin
 */
function detachNow(link: Held): boolean {
  try {
    link.detach();
    return true;
  } catch (error) {
    if (error instanceof BpfError && error.fields.errno === 'EOPNOTSUPP') return false;
    throw error;
  }
}

/** How long the kernel may take to free a link whose last pin is gone: bpf_free_inode() waits for RCU. */
const freeing = { attempts: 500, pauseMs: 2 };

/** Takes the old link off its hook; the undo attaches its program again. */
function leave(step: LinkStep, before: LinkBefore, undo: Undo): void {
  const { change, layout } = step;
  const id = change.renamedFrom ?? change.name;
  undo.touch();
  if (detachNow(before.link)) {
    undo.push(`attach link ${id} again`, () => reattach(step, undo));
    return;
  }
  const numbers = linksOf(before.link).map((link) => link.id);
  removePin(linkPin(layout, id));
  undo.push(`attach link ${id} again`, () => reattach(step, undo));
  before.link.close();
  for (let i = 0; i < freeing.attempts && numbers.some(isAlive); i++) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, freeing.pauseMs);
  }
}

/** Links by id take CAP_SYS_ADMIN: without it nothing can be seen, and the gap may be an overlap of some milliseconds. */
function isAlive(link: number): boolean {
  try {
    return withObject('link', link, () => true) ?? false;
  } catch (error) {
    if (error instanceof BpfError && error.code === 'PRIVILEGE_MISSING') return false;
    throw error;
  }
}

/** The old program on the old hook once more, after its link had to be detached: its pin is made anew. */
function reattach({ before, change, layout, mode, referencesBefore }: LinkStep, undo: Undo): void {
  const { runs, entry } = before!;
  if (runs === undefined) throw unknownBefore('it cannot be opened, by a pin or by its id');
  if (entry === undefined) throw unknownBefore('no ledger says how it was attached');
  const id = change.renamedFrom ?? change.name;
  const place = linkPin(layout, id);
  const link = attachAs(runs, entry, referencesBefore, { place, mode, undo });
  replaceHeld(link, `link '${id}'`, place, mode);
  link.close();
}

/** Told by the undo: what ran is not back, and that has to be known. */
function unknownBefore(why: string): BpfError {
  return new BpfError('PROGRAM_NOT_FOUND', `the program that ran before is not attached again: ${why}`);
}

function attachEntry(step: LinkStep, undo: Undo): Held {
  const place = linkPin(step.layout, step.change.name);
  const link = attachAs(step.runs, step.entry, step.references, { place, mode: step.mode, undo });
  undo.own(`link ${step.change.name}`, link);
  // Nothing but that takes it off.
  if (link instanceof Registration) undo.push(`unregister ${step.change.name}`, () => link.detach());
  return link;
}

/** Where something is attached, for what has to be pinned before it is. */
interface Attaching {
  readonly place: string;
  readonly mode: number;
  readonly undo: Undo;
}

function attachAs(runs: Runnable, entry: LinkEntry, references: References, attaching: Attaching): Held {
  const made =
    entry.hook === 'struct_ops'
      ? attachStruct(runs as StructOpsMap, entry, attaching)
      : attachProgram(runs as AttachableProgram, entry, references, attaching.undo);
  if (made instanceof Link || made instanceof UsdtLinks || made instanceof Registration) return made;
  made.close();
  throw new BpfError('INTERNAL', `attachment '${entry.id}': ${entry.hook} has no links`);
}

function attachProgram(
  program: AttachableProgram,
  entry: AttachEntry,
  references: References,
  undo: Undo,
): Attachment {
  const options = hookOptions(entry, references, undo);
  // The manifest was checked against the loader's own table of options.
  return attach(program, entry.hook, options as unknown as HookOptions[typeof entry.hook]);
}

/** One with a link has its value already: see loadPrograms. */
function attachStruct(
  map: StructOpsMap,
  { options }: StructOpsEntry,
  attaching: Attaching,
): Attachment | Registration {
  if (options.link) return attachStructOps(map);
  const { place, mode, undo } = attaching;
  let registered = map;
  if (map.value === undefined) {
    // It was registered before, which the kernel does but once.
    const copy = copyStructOps(map);
    undo.own(`struct_ops ${map.name}`, copy);
    registered = { fd: copy.fd.number, name: copy.name, value: copy.value };
  }
  // Registered without a pin nobody would find it again: killed in between, the next apply unregisters it by this one.
  const pinned = { number: registered.fd };
  const temporary = pinTemporarily(pinned, `struct_ops '${map.name}'`, place, mode);
  undo.push(`remove ${temporary}`, () => removePin(temporary));
  const made = attachStructOps(registered);
  if (made instanceof StructOpsRegistration) made.release();
  return new Registration(pinned);
}
