import {
  at,
  originAt,
  plain,
  readDataFile,
  type ContentsConfig,
  type Located,
  type Path,
  type Place,
  type Problems,
  type ProjectConfig,
} from '../manifest';

/** An entry as people wrote it. */
export interface WrittenEntry {
  readonly key: unknown;
  /** Undefined: nothing is said of the value. */
  readonly value: unknown;
  /** Where a part of the key or the value is written. */
  keyPlace(path: Path): Place;
  valuePlace(path: Path): Place;
}

/**
 * The entries that the manifest gives a map: those of a file, or those in the manifest. They are a map from keys to
 * values, or a list of `{ key, value }` and of bare keys.
 */
export function writtenEntries(
  config: ProjectConfig,
  { from, at: path }: Pick<ContentsConfig, 'from'> & { readonly at: string },
  problems: Problems,
): WrittenEntry[] {
  if ('file' in from) {
    const tree = readDataFile(config.workspaceRoot, from.file, problems);
    return tree === undefined
      ? []
      : entriesOf(plain(tree), (path) => originAt(tree, path), keyPlaces(tree), problems);
  }
  const place = (below: Path): Place => placeInManifest(config, path, below);
  return entriesOf(from.values, place, place, problems);
}

type Places = (path: Path) => Place;

function entriesOf(values: unknown, place: Places, keyPlace: Places, problems: Problems): WrittenEntry[] {
  const entry = (key: unknown, value: unknown, keyAt: Path, valueAt: Path): WrittenEntry => ({
    key,
    value: value ?? undefined,
    keyPlace: (path) => (path.length === 0 ? keyPlace(keyAt) : place([...keyAt, ...path])),
    valuePlace: (path) => place([...valueAt, ...path]),
  });
  if (Array.isArray(values)) {
    return values.flatMap((item: unknown, i) => {
      if (typeof item !== 'object' || item === null || Array.isArray(item))
        return [entry(item, undefined, [i], [i])];
      const { key, value, ...rest } = item as Readonly<Record<string, unknown>>;
      const [other] = Object.keys(rest);
      if (key !== undefined && other === undefined) return [entry(key, value, [i, 'key'], [i, 'value'])];
      problems.add(
        place([i]),
        `found ${other === undefined ? 'no key' : `'${other}'`}, expected { key, value }`,
      );
      return [];
    });
  }
  if (typeof values === 'object' && values !== null) {
    return Object.entries(values).map(([key, value]) => entry(key, value, [key], [key]));
  }
  problems.add(place([]), 'expected a map of keys and values, or a list of { key, value }');
  return [];
}

/** Where keys of a map are written; for the rest, where the values are. */
function keyPlaces(tree: Located): Places {
  return (path) => {
    const entry = tree.kind === 'map' && path.length === 1 ? tree.entries.get(String(path[0])) : undefined;
    return entry?.origin ?? originAt(tree, path);
  };
}

function placeInManifest(config: ProjectConfig, values: string, path: Path): Place {
  const where = [values, ...path.map(String)].join('.');
  return at(config, where) ?? { file: '', line: 0, column: 0 };
}
