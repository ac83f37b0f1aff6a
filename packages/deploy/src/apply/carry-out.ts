import path from 'node:path';
import { Fd, fdById, kernelIdentity, Link } from '@nx-bpf/loader';
import { type LinkEntry, type ProjectConfig } from '../manifest';
import { type Desired, type Plan } from '../plan';
import {
  isInside,
  isUnlinked,
  linkPin,
  noteOutsidePins,
  openPinned,
  type Layout,
  type Ledger,
  type OutsidePin,
} from '../state';
import { type MapWishes } from './examine-maps';
import { MapFiller, type Migration } from './fill-maps';
import { commitGeneration } from './generation';
import { type Held } from './held';
import { type References } from './hook-options';
import { type Interruption } from './interruption';
import { inAttachOrder } from './link-order';
import { linkBefore, switchLink, type LiveLink } from './links';
import { loadPrograms, type Live } from './load-programs';
import { keepLostMaps } from './lost-maps';
import { newLedger } from './new-ledger';
import { exchangePin, makeDirectories } from './pins';
import { type PreparedObject } from './prepare';
import { runnable } from './runnable';
import { type Undo } from './undo';

/** A plan, and all that is needed to carry it out. */
export interface Work {
  readonly config: ProjectConfig;
  readonly note: (text: string) => void;
  readonly layout: Layout;
  readonly objects: readonly PreparedObject[];
  readonly desired: Desired;
  readonly recorded: Ledger | undefined;
  readonly plan: Plan;
  readonly wishes: MapWishes;
  readonly interruption: Interruption;
  readonly undo: Undo;
}

/** What pinning maps and switching links need of a plan's work: what is wanted may come from a ledger, too. */
export interface Switching extends Pick<
  Work,
  'config' | 'layout' | 'recorded' | 'plan' | 'interruption' | 'undo'
> {
  readonly desired: {
    readonly maps: readonly { readonly name: string; readonly pin: string | undefined }[];
    readonly links: readonly { readonly id: string; readonly program: string; readonly entry: LinkEntry }[];
  };
}

/**
 * Carries out a plan. Everything is loaded before anything live is touched; the rename of the ledger is the commit.
 *
 * A process that is killed on the way leaves the ledger of one of the two generations: the next apply finds by it
 * what else is there, and makes it fit.
 *
 * @returns the ledger of the new generation, and what became of the entries of maps that migrated
 */
export async function carryOut(work: Work): Promise<{ ledger: Ledger; migrations: readonly Migration[] }> {
  const { config, layout, desired, recorded, plan, interruption, undo } = work;
  const { mode } = config.pin;

  const live = loadPrograms(work, undo);
  await interruption.checkpoint();
  const filler = new MapFiller({ ...work, live });
  filler.beforeSwitch();

  noteOutsidePins(layout, movingPins(work, live));
  undo.push('remove the note of outside pins', () => noteOutsidePins(layout, []));
  keepLostMaps(layout, recorded, live, mode, undo);
  pinMaps(work, live);
  makeDirectories(layout.links, mode, undo);
  const links = await switchLinks(work, live);
  const migrations = filler.afterSwitch();

  const ledger = newLedger({
    desired,
    recorded,
    generation: plan.to,
    kernel: kernelIdentity().buildId ?? '',
    live,
    links,
  });
  commitGeneration(work, ledger, live);
  return { ledger, migrations };
}

/** Outside pins that are wanted. */
export function outsidePins(layout: Layout, desired: Desired): string[] {
  return desired.maps.flatMap(({ pin }) => (pin === undefined || isInside(layout, pin) ? [] : [pin]));
}

/** Outside pins that this apply makes, and those of the generation before that it may remove. */
export function movingPins({ layout, desired, recorded }: Switching, live: Live): OutsidePin[] {
  const made = desired.maps.flatMap(({ name, pin }) => {
    const map = live.maps.get(name);
    return map?.fresh === true ? [{ pin, id: map.info.id }] : [];
  });
  const before = recorded?.maps.filter(({ adopted }) => !adopted) ?? [];
  return [...made, ...before.map(({ pin, id }) => ({ pin, id }))].filter(
    (each): each is OutsidePin => each.pin !== undefined && !isInside(layout, each.pin),
  );
}

export function pinMaps({ config, layout, desired, undo }: Switching, live: Live): void {
  const { mode } = config.pin;
  makeDirectories(layout.maps, mode, undo);
  for (const { name, pin } of desired.maps) {
    const map = live.maps.get(name);
    if (pin === undefined || map?.fresh !== true) continue;
    makeDirectories(path.dirname(pin), mode, undo);
    const before = openPinned(pin, 'map');
    if (before !== undefined) {
      undo.own(`map ${name} as it was`, before);
      undo.touch();
    }
    exchangePin(map.fd, `map '${name}'`, pin, { before, mode, undo });
  }
}

export async function switchLinks(
  { config, layout, desired, recorded, plan, interruption, undo }: Switching,
  live: Live,
): Promise<Map<string, LiveLink>> {
  const links = new Map<string, LiveLink>();
  const references = {
    map: (name: string) => numbered(live.maps.get(name)?.fd),
    program: (name: string) => numbered(live.programs.get(name)?.fd),
    link: (id: string) => only(links.get(id)?.link),
  };
  const changes = new Map(plan.links.map((change) => [change.name, change]));
  const wanted = new Map(desired.links.filter(({ id }) => changes.has(id)).map((link) => [link.id, link]));
  for (const id of inAttachOrder([...wanted.keys()], (each) => wanted.get(each)?.entry)) {
    await interruption.checkpoint();
    const { program, entry } = wanted.get(id)!;
    const change = changes.get(id)!;
    const step = {
      layout,
      change,
      entry,
      runs: runnable(live, program, entry),
      recorded,
      recordedLink: recorded?.links.find((link) => link.id === (change.renamedFrom ?? id)),
      before: isUnlinked(entry.hook)
        ? undefined
        : linkBefore(layout, recorded, change.renamedFrom ?? id, undo),
      references,
      referencesBefore: recordedReferences(layout, recorded, undo),
      mode: config.pin.mode,
    };
    links.set(id, switchLink(step, undo));
  }
  return links;
}

/** A neighbour is one link. */
function only(held: Held | undefined): Link | undefined {
  return held instanceof Link ? held : undefined;
}

function numbered(fd: Fd | undefined): { readonly fd: number } | undefined {
  return fd && { fd: fd.number };
}

/** What names stood for in the generation before: links by their pins, the rest by id, since its pin may have moved. */
function recordedReferences(layout: Layout, recorded: Ledger | undefined, undo: Undo): References {
  const byId = (kind: 'map' | 'program', list: readonly { name: string; id: number }[] = []) => {
    return (name: string) => {
      const entry = list.find((each) => each.name === name);
      const number = entry && fdById(kind, entry.id);
      if (number === undefined) return undefined;
      undo.own(`${kind} ${name} as it was`, new Fd(number, `${kind} ${name}`));
      return { fd: number };
    };
  };
  return {
    map: byId('map', recorded?.maps),
    program: byId('program', recorded?.programs),
    link: (id) => {
      const link = Link.open(linkPin(layout, id));
      undo.own(`link ${id}`, link);
      return link;
    },
  };
}
