import fs from 'node:fs';
import path from 'node:path';
import { autoAttach, hookFor, type LoadedObject } from '@nx-bpf/loader';
import { pinName } from '../manifest';
import { createDirectories, removeIfEmpty } from '../state';
import { type Undo } from './undo';

/** A link that is pinned. */
export interface RawLink {
  readonly pin: string;
  /** `kprobe do_unlinkat`, for people. */
  readonly target: string;
}

/** Attaches every program whose section name says where; returns the links by program. */
export function attachAll(
  directory: string,
  loaded: LoadedObject,
  notes: string[],
  undo: Undo,
): Map<string, RawLink> {
  const folder = path.join(directory, 'links');
  for (const made of createDirectories(folder, 0o700)) undo.push(`remove ${made}`, () => removeIfEmpty(made));
  const links = new Map<string, RawLink>();
  for (const program of loaded.programs) {
    const { name, section, target } = program.spec;
    const attachable = {
      fd: program.fd.number,
      name,
      type: program.type,
      attachType: program.attachType,
      section,
      target,
    };
    const link = autoAttach(attachable);
    if (link === undefined) {
      const hook = hookFor(attachable);
      const reason =
        hook === undefined ? 'there is no hook for it here' : `its section does not say where (${hook})`;
      notes.push(`program '${name}' is loaded but not attached: ${reason}`);
      continue;
    }
    undo.own(`link of ${name}`, link);
    const place = path.join(folder, pinName(name));
    link.pin(place);
    // A directory, where the program runs through several links.
    undo.push(`unpin ${place}`, () => fs.rmSync(place, { recursive: true }));
    links.set(name, { pin: place, target: link.describe() });
  }
  return links;
}
