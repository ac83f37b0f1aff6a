import { hookNames } from './hooks';
import {
  child,
  children,
  located,
  textOf,
  withChild,
  type Located,
  type LocatedEntry,
  type LocatedList,
  type LocatedMap,
  type Origin,
} from './located';
import { type Problems } from './problems';

/**
 * Lays a layer over a weaker one: maps merge by key, lists are replaced, null removes. (Lists of `attach` merge too:
 * they come here as maps by id, see `attachById`.)
 *
 * @returns undefined where the stronger layer is null
 */
export function merge(under: Located | undefined, over: Located): Located | undefined {
  if (isNull(over)) return undefined;
  if (over.kind === 'list') return { ...over, items: over.items.filter((item) => !isNull(item)) };
  if (over.kind === 'scalar') return over;
  const base = under?.kind === 'map' ? under : undefined;
  const entries = new Map<string, LocatedEntry>(base?.entries);
  for (const [key, { origin, value }] of over.entries) {
    const before = entries.get(key);
    const merged = merge(before?.value, value);
    if (merged === undefined) {
      entries.delete(key);
    } else {
      const added = merged.kind === 'map' && before?.value.kind === 'map';
      entries.set(key, { origin: added ? first(before.origin, origin) : origin, value: merged });
    }
  }
  return { kind: 'map', origin: base === undefined ? over.origin : first(base.origin, over.origin), entries };
}

/** A value is where it was last given, but a map that is only added to is where it was first written. */
function first(under: Origin, over: Origin): Origin {
  return under.layer === 'default' ? over : under;
}

/** Merges layers, weakest first. */
export function mergeAll(layers: readonly (Located | undefined)[]): Located | undefined {
  return layers.reduce((under, over) => (over === undefined ? under : merge(under, over)), undefined);
}

/**
 * Turns each program's `attach` list into a map by id, and its `variants` into one by name, which then merge like every
 * other map. An attachment without an id is called `<program>-<hook>` where it is its list's only one; one whose hook is
 * null is removed. A variant without a name is called by its place in the list.
 *
 * @param part programs, objects and so on of one layer
 */
export function attachById(part: Located, problems: Problems): Located {
  const programs = child(part, 'programs');
  if (part.kind !== 'map' || programs?.kind !== 'map') return part;
  let changed: LocatedMap = programs;
  for (const [name, program] of children(programs)) {
    if (program.kind !== 'map') continue;
    const at = `programs.${name}`;
    let byName = withAttachById(program, name, at, problems);
    const variants = child(program, 'variants');
    if (variants?.kind === 'list' && variants.items.length > 0)
      byName = withChild(byName, 'variants', variantsByName(name, variants, problems));
    changed = withChild(changed, name, byName, programs.entries.get(name)!.origin);
  }
  return withChild(part, 'programs', changed, part.entries.get('programs')!.origin);
}

/**
 * Turns the list of `run` checks into a map by name, which then merges like every other. A check without a name is called
 * by its place in the list.
 *
 * @param part of one layer
 */
export function runsByName(part: Located, problems: Problems): Located {
  const list = child(part, 'run');
  if (part.kind !== 'map' || list?.kind !== 'list' || list.items.length === 0) return part;
  const entries = new Map<string, LocatedEntry>();
  for (const [index, item] of list.items.entries()) {
    if (item.kind !== 'map') continue;
    const name = textOf(item, 'name') ?? `check-${index + 1}`;
    if (entries.has(name)) problems.add(item.origin, `run: the name '${name}' is there twice`);
    entries.set(name, {
      origin: item.origin,
      value: withChild(item, 'name', located(name, item.origin)),
    });
  }
  const named: LocatedMap = { kind: 'map', origin: list.origin, entries };
  return withChild(part, 'run', named, part.entries.get('run')!.origin);
}

/** An empty list stays one: it replaces what is under it, since it says "attached nowhere". */
function withAttachById(holder: LocatedMap, program: string, at: string, problems: Problems): LocatedMap {
  const list = child(holder, 'attach');
  if (list?.kind !== 'list' || list.items.length === 0) return holder;
  return withChild(holder, 'attach', listById(program, at, list, problems));
}

function variantsByName(program: string, list: LocatedList, problems: Problems): LocatedMap {
  const entries = new Map<string, LocatedEntry>();
  for (const [index, item] of list.items.entries()) {
    if (item.kind !== 'map') continue;
    const name = textOf(item, 'name') ?? `variant-${index + 1}`;
    const at = `programs.${program}.variants.${name}`;
    if (entries.has(name)) problems.add(item.origin, `${at}: the name is there twice`);
    const named = withChild(item, 'name', located(name, item.origin));
    entries.set(name, { origin: item.origin, value: withAttachById(named, program, at, problems) });
  }
  return { kind: 'map', origin: list.origin, entries };
}

function isNull(node: Located | undefined): boolean {
  return node?.kind === 'scalar' && node.value === null && node.unset === undefined;
}

function listById(program: string, at: string, list: LocatedList, problems: Problems): LocatedMap {
  const entries = new Map<string, LocatedEntry>();
  for (const item of list.items) {
    if (item.kind !== 'map') continue;
    const named = hookNames.filter((name) => item.entries.has(name));
    const hook = named[0];
    const id = textOf(item, 'id') ?? (list.items.length === 1 ? `${program}-${hook ?? 'attach'}` : undefined);
    if (id === undefined) {
      problems.add(item.origin, `${at}.attach: several entries: give each an id`);
    } else if (entries.has(id)) {
      problems.add(item.origin, `${at}.attach: the id '${id}' is there twice`);
    } else {
      // `{ id: uplink, xdp: null }` removes the entry: without its hook nothing would be left of it.
      const removed = hook !== undefined && named.every((name) => isNull(child(item, name)));
      const value = removed ? located(null, item.origin) : withChild(item, 'id', located(id, item.origin));
      entries.set(id, { origin: item.origin, value });
    }
  }
  return { kind: 'map', origin: list.origin, entries };
}
