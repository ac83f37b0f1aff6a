import fs from 'node:fs';
import { BpfError, hooks, type Link, type AttachableProgram } from '@nx-bpf/loader';
import { type AttachEntry } from '../manifest';
import { type LinkChange } from '../plan';
import { linkPin, temporaryPrefix, type Layout } from '../state';
import { type LiveProgram } from './load-programs';
import { type Undo } from './undo';

/** A link of the new generation. */
export interface LiveLink {
  readonly link: Link;
  /** `xdp on eth0 (native)`, as the kernel made it. */
  readonly target: string;
}

export interface LinkStep {
  readonly layout: Layout;
  readonly change: LinkChange;
  readonly entry: AttachEntry;
  readonly programName: string;
  readonly program: LiveProgram;
  /** The link and the program that are there now, unless the link is new. */
  readonly before: LinkBefore | undefined;
}

export interface LinkBefore {
  readonly link: Link;
  /** Undefined where it is not ours, or gone. */
  readonly program: AttachableProgram | undefined;
  readonly entry: AttachEntry;
}

/**
 * Makes one link what the plan says, in a way that can be undone. A kept or updated link stays the same kernel object
 * under the same pin.
 */
export function switchLink(step: LinkStep, undo: Undo): LiveLink {
  const { change, before } = step;
  const pin = linkPin(step.layout, change.name);
  switch (change.action) {
    case 'keep':
    case 'update': {
      const { link, program } = before!;
      if (change.action === 'update') {
        link.update(attachable(step), program);
        undo.push(`switch link ${change.name} back`, () => {
          if (program !== undefined) link.update(program, attachable(step));
        });
      }
      return { link, target: link.describe() };
    }
    case 'create': {
      // What is left under this name holds nothing that runs: its device is gone, or it is not our link.
      fs.rmSync(pin, { force: true });
      const link = attachEntry(step, undo);
      link.pin(pin);
      undo.push(`unpin link ${change.name}`, () => fs.rmSync(pin, { force: true }));
      return { link, target: link.describe() };
    }
    case 'replace':
      return replace(step, pin, undo);
    case 'remove':
      throw new BpfError('INTERNAL', `link ${change.name} is to be removed, not switched`);
  }
}

/**
 * A link that cannot be updated in place: the new one is made first, so both run for a moment. Where the hook takes
 * only one program (an XDP interface in another mode) the old one has to go first.
 */
function replace(step: LinkStep, pin: string, undo: Undo): LiveLink {
  const { layout, change } = step;
  const before = step.before!;
  let link: Link;
  try {
    link = attachEntry(step, undo);
  } catch (error) {
    if (!(error instanceof BpfError && error.code === 'ATTACH_CONFLICT')) throw error;
    before.link.detach();
    undo.push(`attach link ${change.name} again`, () => reattach(step, pin));
    link = attachEntry(step, undo);
  }
  const temporary = linkPin(layout, `${temporaryPrefix}${change.name}`);
  fs.rmSync(temporary, { force: true });
  link.pin(temporary);
  fs.renameSync(temporary, pin);
  undo.push(`pin link ${change.name} as before`, () => {
    fs.rmSync(pin, { force: true });
    before.link.pin(pin);
  });
  return { link, target: link.describe() };
}

/** The old program on the old hook once more, after its link had to be detached: its pin is made anew. */
function reattach(step: LinkStep, pin: string): void {
  const { program, entry } = step.before!;
  if (program === undefined) return;
  const link = attach(program, entry);
  fs.rmSync(pin, { force: true });
  link.pin(pin);
  link.close();
}

function attachEntry(step: LinkStep, undo: Undo): Link {
  const link = attach(attachable(step), step.entry);
  undo.own(`link ${step.change.name}`, link);
  return link;
}

function attachable({ programName, program }: LinkStep): AttachableProgram {
  return {
    fd: program.fd.number,
    name: programName,
    type: program.type,
    attachType: program.attachType,
    target: program.target,
  };
}

function attach(program: AttachableProgram, entry: AttachEntry): Link {
  const netns = entry.netns ?? undefined;
  switch (entry.hook) {
    case 'xdp':
      return hooks.xdp.attach(program, { ...entry.options, netns });
    case 'tcx':
      return hooks.tcx.attach(program, { ...entry.options, netns });
    case 'tracepoint':
      return hooks.tracepoint.attach(program, entry.options);
    case 'raw_tracepoint':
      return hooks.raw_tracepoint.attach(program, entry.options);
    case 'tp_btf':
      return hooks.tp_btf.attach(program, entry.options);
    case 'cgroup':
      return hooks.cgroup.attach(program, entry.options);
  }
}
