import { BpfMap, waitForPrograms } from '@nx-bpf/loader';
import {
  differenceOf,
  MapCopy,
  planCopy,
  restoreContents,
  shapeOf,
  VariableCarry,
  writeContents,
  type SweepResult,
} from '../maps';
import { openMap, type LedgerMap } from '../state';
import { carryOf, recordedSections, type Examination } from './examine-maps';
import { deployedName, isData } from './desired-maps';
import { type Live } from './load-programs';
import { type Plan } from '../plan';
import { type Undo } from './undo';

/** What became of the entries of a map that took over those of the one before. */
export interface Migration extends SweepResult {
  readonly map: string;
  /** Entries of the first sweep. */
  readonly copied: number;
}

export interface FillInputs extends Examination {
  readonly plan: Plan;
  readonly live: Live;
  readonly undo: Undo;
}

/**
 * Puts into the maps of a new generation what is to be in them: entries of the maps before, variables that are carried
 * over, and what the manifest says. Maps that no program uses yet are filled before links are switched; what is in
 * use is changed after that, so that a failure on the way has changed nothing that runs.
 */
export class MapFiller {
  private readonly copies: { readonly name: string; readonly copy: MapCopy; readonly copied: number }[] = [];
  private readonly carries: VariableCarry[] = [];

  constructor(private readonly inputs: FillInputs) {}

  /** Fills new maps. Nothing runs on them yet. */
  beforeSwitch(): void {
    const { plan, live, objects } = this.inputs;
    const freshNames = new Set([...live.maps].filter(([, { fresh }]) => fresh).map(([name]) => name));
    for (const { name, action } of plan.maps) {
      if (action === 'migrate' && this.recorded(name)?.object === undefined) this.copyEntries(name);
    }
    for (const object of objects) {
      const sections = object.relocated.maps.filter((spec) => isData(spec));
      if (sections.some((spec) => freshNames.has(deployedName(object.name, spec))))
        this.carryVariables(object.name);
    }
    for (const [name, contents] of this.inputs.wishes.contents) {
      if (!freshNames.has(name)) continue;
      const map = this.open(name);
      writeContents(map, differenceOf(contents, map));
    }
  }

  /** Brings over what the old maps gained meanwhile, and writes what the manifest says into the maps that stay. */
  afterSwitch(): Migration[] {
    const { live, undo, wishes } = this.inputs;
    if (this.copies.length > 0 || this.carries.length > 0) waitForPrograms();
    const migrations = this.copies.map(({ name, copy, copied }) => ({ map: name, copied, ...copy.second() }));
    for (const carry of this.carries) carry.second();
    for (const [name, contents] of wishes.contents) {
      if (live.maps.get(name)?.fresh !== false || contents.mode === 'seed') continue;
      const map = this.open(name);
      const difference = differenceOf(contents, map);
      if (difference.writes.length + difference.removals.length === 0) continue;
      undo.touch();
      undo.push(`put back the entries of map ${name}`, () => restoreContents(map, difference));
      writeContents(map, difference);
    }
    return migrations;
  }

  private copyEntries(name: string): void {
    const { config, wishes } = this.inputs;
    const old = this.openBefore(this.recorded(name)!);
    if (old === undefined) return;
    const plan = planCopy(shapeOf(old), wishes.defined.get(name)!.shape, config.maps[name]!.copy);
    const copy = new MapCopy(old, this.open(name), plan);
    this.copies.push({ name, copy, copied: copy.first() });
  }

  private carryVariables(name: string): void {
    const { config, objects, recorded, live } = this.inputs;
    const object = objects.find((each) => each.name === name)!;
    const { steps } = carryOf(config, object, recordedSections(recorded, name));
    if (steps.length === 0) return;
    const from = new Map<string, BpfMap>();
    for (const { from: place } of steps) {
      const before = this.recorded(place.map);
      const map = before === undefined || from.has(place.map) ? undefined : this.openBefore(before);
      if (map !== undefined) from.set(place.map, map);
    }
    const sections = object.relocated.maps
      .map((spec) => [spec.name, deployedName(name, spec)] as const)
      .filter(([, deployed]) => live.maps.get(deployed)?.fresh === true);
    const to = new Map(sections.map(([own, deployed]) => [own, this.open(deployed)]));
    const carry = new VariableCarry(steps, from, to);
    carry.first();
    this.carries.push(carry);
  }

  private recorded(name: string): LedgerMap | undefined {
    return this.inputs.recorded?.maps.find((map) => map.name === name);
  }

  /** A map of the new generation, open until the work ends. */
  private open(name: string): BpfMap {
    const { live, undo } = this.inputs;
    return owned(undo, name, live.maps.get(name)!.fd.duplicate().release());
  }

  private openBefore(before: LedgerMap): BpfMap | undefined {
    const fd = openMap(before);
    return fd && owned(this.inputs.undo, `${before.name} as it was`, fd.release());
  }
}

/** A migration as people read it. */
export function migrationText({
  map,
  copied,
  created,
  changed,
  vanished,
  conflicts,
  full,
}: Migration): string {
  const later = [
    [created, 'made'],
    [changed, 'changed'],
    [vanished, 'removed by programs, and kept'],
    [conflicts, 'changed on both sides, where the new programs won'],
    [full, 'lost, as the map is full'],
  ] as const;
  const texts = later.filter(([count]) => count > 0).map(([count, text]) => `${count} ${text}`);
  const since = texts.length === 0 ? '' : `; meanwhile ${texts.join(', ')}`;
  return `map ${map}: ${copied} entries copied${since}`;
}

function owned(undo: Undo, name: string, fd: number): BpfMap {
  const map = new BpfMap(fd, { name });
  undo.own(`map ${name}`, map);
  return map;
}
