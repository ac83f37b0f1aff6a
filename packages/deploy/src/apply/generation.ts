import fs from 'node:fs';
import path from 'node:path';
import { type Fd, pinObject } from '@nx-bpf/loader';
import {
  createDirectories,
  generationPath,
  programPin,
  removeIfEmpty,
  temporaryPrefix,
  type Layout,
} from '../state';
import { type Live } from './load-programs';
import { type Undo } from './undo';

/** Makes a directory and those above it; the undo removes what was made here. */
export function makeDirectories(directory: string, mode: number, undo: Undo): void {
  for (const made of createDirectories(directory, mode))
    undo.push(`remove ${made}`, () => removeIfEmpty(made));
}

/** Pins the programs of a generation under its own directory; nothing refers to it before `publish`. */
export function pinGeneration(
  layout: Layout,
  generation: number,
  live: Live,
  ledger: Fd,
  mode: number,
  undo: Undo,
): void {
  const directory = generationPath(layout, generation);
  // A leftover of a process that was killed before it committed: no ledger names it.
  fs.rmSync(directory, { recursive: true, force: true });
  makeDirectories(layout.generations, mode, undo);
  fs.mkdirSync(path.join(directory, 'programs'), { recursive: true, mode });
  undo.push(`remove ${directory}`, () => fs.rmSync(directory, { recursive: true }));
  for (const [name, program] of live.programs) {
    pin(program.fd, `program '${name}'`, programPin(layout, generation, name), mode);
  }
  pin(ledger, 'ledger', path.join(directory, 'ledger'), mode);
}

/** Pins a map; one that is pinned there already gives way in one step, and is pinned again by the undo. */
export function pinMap(
  fd: Fd,
  name: string,
  place: string,
  before: Fd | undefined,
  mode: number,
  undo: Undo,
): void {
  if (before === undefined) fs.rmSync(place, { force: true });
  replacePin(fd, `map '${name}'`, place, mode);
  undo.push(`pin map ${name} as before`, () => {
    if (before === undefined) fs.rmSync(place, { force: true });
    else replacePin(before, `map '${name}'`, place, mode);
  });
}

/** Points `current` at a generation, in one step. */
export function pointCurrent(layout: Layout, generation: number, undo: Undo): void {
  const before = readLink(layout.current);
  point(layout, path.join('gen', String(generation)));
  undo.push('point current back', () => {
    if (before === undefined) fs.rmSync(layout.current, { force: true });
    else point(layout, before);
  });
}

/** The commit: from here on the new ledger says what is ours. */
export function commitLedger(layout: Layout, ledger: Fd, mode: number): void {
  replacePin(ledger, 'ledger', layout.ledger, mode);
}

/** Removes the generations that are older than the newest `keep`. */
export function dropOldGenerations(layout: Layout, current: number, keep: number): void {
  for (const entry of fs.readdirSync(layout.generations)) {
    const generation = Number(entry);
    if (!(generation > current - keep && generation <= current)) {
      fs.rmSync(path.join(layout.generations, entry), { recursive: true, force: true });
    }
  }
}

function replacePin(fd: Fd, what: string, place: string, mode: number): void {
  const temporary = path.join(path.dirname(place), `${temporaryPrefix}${path.basename(place)}`);
  fs.rmSync(temporary, { force: true });
  pin(fd, what, temporary, mode);
  fs.renameSync(temporary, place);
}

function pin(fd: Fd, what: string, place: string, mode: number): void {
  pinObject(fd.number, what, place);
  fs.chmodSync(place, mode & 0o666);
}

function point(layout: Layout, to: string): void {
  const temporary = path.join(layout.base, `${temporaryPrefix}current`);
  fs.rmSync(temporary, { force: true });
  fs.symlinkSync(to, temporary);
  fs.renameSync(temporary, layout.current);
}

function readLink(place: string): string | undefined {
  try {
    return fs.readlinkSync(place);
  } catch {
    return undefined;
  }
}
