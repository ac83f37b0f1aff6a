import fs from 'node:fs';
import path from 'node:path';
import { BpfError, Link, StructOpsLink, UsdtLinks } from '@nx-bpf/loader';
import { idRun, isDirectory, isThere, partPins, temporaryPrefix } from '../state';
import { pin, replacePin } from './pins';
import { Registration } from './registration';
import { type Undo } from './undo';

/**
 * What is attached under an id: a link; the links of a USDT probe before Linux 6.6, which are one to a deployment; or a
 * struct_ops that no link holds.
 */
export type Held = Link | UsdtLinks | Registration;

/**
 * What is pinned as a link.
 *
 * @throws BpfError PIN_NOT_FOUND, PIN_INVALID when something else is pinned there
 */
export function openHeld(place: string): Held {
  if (isDirectory(place)) return UsdtLinks.open(place);
  const registration = openRegistration(place);
  if (registration !== undefined) return registration;
  const link = Link.open(place);
  if (link.hook !== 'struct_ops') return link;
  link.close();
  return StructOpsLink.open(place);
}

/** A struct_ops whose map is pinned there; undefined where something else is. */
function openRegistration(place: string): Registration | undefined {
  try {
    return Registration.open(place);
  } catch (error) {
    if (error instanceof BpfError && error.code === 'PIN_INVALID') return undefined;
    throw error;
  }
}

/** Those links of it that a pin can hold. */
export function linksOf(held: Held): readonly Link[] {
  if (held instanceof Registration) return [];
  if (held instanceof Link) return [held];
  return held.parts.filter((part): part is Link => part instanceof Link);
}

/** The number under which a ledger knows it: that of the link, of the first one, or of the map. */
export function heldId(held: Held): number {
  if (held instanceof Registration) return held.id;
  const [first] = linksOf(held);
  if (first === undefined)
    throw new BpfError('PIN_FAILED', `${held.describe()}: this kernel has no links of such probes`, {
      hint: 'a deployment holds what it attaches by pinned links (Linux 5.15): attach it from TypeScript, in a process that stays',
    });
  return first.id;
}

/** The numbers of its links where it is several; undefined for a link. */
export function heldParts(held: Held): readonly number[] | undefined {
  return held instanceof UsdtLinks ? linksOf(held).map(({ id }) => id) : undefined;
}

/** The id of the program, or of the map of a struct_ops, that it runs. */
export function heldRuns(held: Held): number {
  if (held instanceof Registration) return held.id;
  heldId(held);
  return idRun(linksOf(held)[0]!.info());
}

/** Pins it in the place of what is pinned there now. Several links are pinned as `0`, `1`, ... in a directory. */
export function replaceHeld(held: Held, what: string, place: string, mode: number): void {
  if (!(held instanceof UsdtLinks) && !isDirectory(place)) {
    replacePin({ number: held.fd }, what, place, mode);
    return;
  }
  const fresh = path.join(path.dirname(place), `${temporaryPrefix}${path.basename(place)}`);
  const old = path.join(path.dirname(place), `${temporaryPrefix}old_${path.basename(place)}`);
  removePin(fresh);
  removePin(old);
  try {
    if (held instanceof UsdtLinks) pinParts(held, what, fresh, mode);
    else pin({ number: held.fd }, what, fresh, mode);
    // No name can be exchanged with a directory that is not empty: killed in between, neither is there, and the next
    // apply makes it anew.
    if (isThere(place)) fs.renameSync(place, old);
    fs.renameSync(fresh, place);
  } catch (error) {
    if (!fs.existsSync(place) && fs.existsSync(old)) fs.renameSync(old, place);
    removePin(fresh);
    throw error;
  }
  removePin(old);
}

function pinParts(held: UsdtLinks, what: string, directory: string, mode: number): void {
  heldId(held);
  fs.mkdirSync(directory, { mode });
  fs.chmodSync(directory, mode);
  const places = partPins(directory, held.parts.length);
  for (const [i, part] of linksOf(held).entries())
    pin({ number: part.fd }, `${what}, part ${i}`, places[i]!, mode);
}

/** Pins it so that the undo pins again what was there before. */
export function exchangeHeld(
  held: Held,
  what: string,
  place: string,
  { mode, undo }: { readonly mode: number; readonly undo: Undo },
): void {
  const before = isThere(place) ? openHeld(place) : undefined;
  if (before !== undefined) undo.own(`${what} as it was`, before);
  undo.push(`pin ${what} as before`, () => {
    if (before === undefined) removePin(place);
    else replaceHeld(before, what, place, mode);
  });
  replaceHeld(held, what, place, mode);
}

/**
 * Removes a pin of a link, or a directory of them; nothing if none is there. A struct_ops that no link holds is
 * unregistered.
 *
 * @param staying numbers of those that are to stay registered: they are pinned elsewhere, too
 */
export function removeHeld(place: string, staying: ReadonlySet<number> = new Set()): void {
  const registration = isDirectory(place) ? undefined : openRegistration(place);
  try {
    if (registration !== undefined && !staying.has(registration.id)) registration.detach();
  } finally {
    registration?.close();
  }
  removePin(place);
}

/** Removes a pin alone. */
export function removePin(place: string): void {
  fs.rmSync(place, { recursive: true, force: true });
}
