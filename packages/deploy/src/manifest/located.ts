/** Which part of the manifest a value comes from, weakest first: a later layer wins. */
export const layers = [
  'default',
  'root',
  'project',
  'root environment',
  'project environment',
  '--set',
] as const;

export type Layer = (typeof layers)[number];

/** Where something was written. `file` is relative to the workspace; line and column count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Where a value comes from. For the layer `default` the file is '' and line and column are 0. */
export interface Origin extends Place {
  readonly layer: Layer;
  /** The environment variable that the value was taken from, or would be if it were set. */
  readonly variable?: string | undefined;
}

export type ScalarValue = string | number | bigint | boolean | null;

/** A value of a manifest that still knows where it was written: what is merged, checked and explained. */
export type Located = LocatedMap | LocatedList | LocatedScalar;

export interface LocatedMap {
  readonly kind: 'map';
  readonly origin: Origin;
  readonly entries: ReadonlyMap<string, LocatedEntry>;
}

export interface LocatedEntry {
  /** Where the key is written. */
  readonly origin: Origin;
  readonly value: Located;
}

export interface LocatedList {
  readonly kind: 'list';
  readonly origin: Origin;
  readonly items: readonly Located[];
}

export interface LocatedScalar {
  readonly kind: 'scalar';
  readonly origin: Origin;
  readonly value: ScalarValue;
  /** The environment variable that says the value, which is not set: the value is null, and removes nothing. */
  readonly unset?: string | undefined;
}

/** A path into a manifest: keys of maps, indexes of lists. */
export type Path = readonly PropertyKey[];

/** Where the built-in defaults are "written". */
export const nowhere: Origin = { file: '', line: 0, column: 0, layer: 'default' };

/** The value as plain data: objects, arrays and scalars. */
export function plain(node: Located): unknown {
  switch (node.kind) {
    case 'scalar':
      return node.value;
    case 'list':
      return node.items.map(plain);
    case 'map':
      return Object.fromEntries([...node.entries].map(([key, entry]) => [key, plain(entry.value)]));
  }
}

/** Plain data as if written at one place: built-in defaults, values of `--set`. Absent (undefined) keys are left out. */
export function located(value: unknown, origin: Origin): Located {
  if (Array.isArray(value)) {
    return { kind: 'list', origin, items: value.map((item: unknown) => located(item, origin)) };
  }
  if (typeof value === 'object' && value !== null) {
    const given = Object.entries(value).filter(([, item]) => item !== undefined);
    const entries = given.map(([key, item]) => [key, { origin, value: located(item, origin) }] as const);
    return { kind: 'map', origin, entries: new Map(entries) };
  }
  return { kind: 'scalar', origin, value: value as ScalarValue };
}

/** The child of a map, if the node is a map and has it. */
export function child(node: Located | undefined, key: string): Located | undefined {
  return node?.kind === 'map' ? node.entries.get(key)?.value : undefined;
}

/** The children of a map by name; none if the node is no map. */
export function children(node: Located | undefined): [string, Located][] {
  if (node?.kind !== 'map') return [];
  return [...node.entries].map(([key, entry]) => [key, entry.value]);
}

/** The scalar text of a map's child, if it is text. */
export function textOf(node: Located | undefined, key: string): string | undefined {
  const value = child(node, key);
  return value?.kind === 'scalar' && typeof value.value === 'string' ? value.value : undefined;
}

/** A map with one entry set; what was there before keeps its place in the order. */
export function withChild(map: LocatedMap, key: string, value: Located, origin = value.origin): LocatedMap {
  return { ...map, entries: new Map([...map.entries, [key, { origin, value }]]) };
}

/** A map with only some of its entries. */
export function pick(map: LocatedMap, wanted: (key: string) => boolean): LocatedMap {
  return { ...map, entries: new Map([...map.entries].filter(([key]) => wanted(key))) };
}

/** The same tree with null in one place: "nothing given here". Inside a list, the list's whole item becomes null. */
export function withNullAt(node: Located, path: Path): Located {
  const [step, ...rest] = path;
  if (step === undefined) return { kind: 'scalar', origin: node.origin, value: null };
  if (node.kind === 'list') {
    const items = node.items.map((item, i) => (i === step ? withNullAt(item, []) : item));
    return { ...node, items };
  }
  const key = String(step);
  const entry = node.kind === 'map' ? node.entries.get(key) : undefined;
  if (node.kind !== 'map' || entry === undefined) return node;
  return withChild(node, key, withNullAt(entry.value, rest), entry.origin);
}

/** The same values, said to come from another layer. */
export function inLayer(node: Located, layer: Layer): Located {
  const origin = { ...node.origin, layer };
  switch (node.kind) {
    case 'scalar':
      return { ...node, origin };
    case 'list':
      return { ...node, origin, items: node.items.map((item) => inLayer(item, layer)) };
    case 'map': {
      const entries = [...node.entries].map(
        ([key, entry]) =>
          [key, { origin: { ...entry.origin, layer }, value: inLayer(entry.value, layer) }] as const,
      );
      return { ...node, origin, entries: new Map(entries) };
    }
  }
}

/** The origin of the value at a path, or of its nearest ancestor that is there. */
export function originAt(node: Located, path: Path): Origin {
  const [step, ...rest] = path;
  if (step === undefined) return node.origin;
  const next =
    node.kind === 'map'
      ? node.entries.get(String(step))?.value
      : node.kind === 'list'
        ? node.items[Number(step)]
        : undefined;
  return next === undefined ? node.origin : originAt(next, rest);
}

/** The origin of a key of the map at a path. */
export function keyOriginAt(node: Located, path: Path, key: string): Origin {
  const map = valueAt(node, path);
  return (map?.kind === 'map' ? map.entries.get(key)?.origin : undefined) ?? originAt(node, path);
}

/** The value at a path, if there is one. */
export function valueAt(node: Located | undefined, path: Path): Located | undefined {
  return path.reduce<Located | undefined>(
    (at, step) => (at?.kind === 'list' ? at.items[Number(step)] : child(at, String(step))),
    node,
  );
}
