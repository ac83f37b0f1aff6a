import { child, type Located, type LocatedScalar, type Origin, type Path } from './located';
import { Problems } from './problems';
import { readYaml } from './read-yaml';

/**
 * Where a manifest may take a value from the environment, `*` for any step; what is below the last step counts too.
 * Nowhere else: what a manifest does has to be read from it.
 */
const places: readonly Path[] = [
  ['objects', '*', 'constants', '*'],
  ['programs', '*', 'attach', '*', '*', '*'],
  ['maps', '*', 'maxEntries'],
];

/** What surrounds the same parts once more. */
const prefixes: readonly Path[] = [
  [],
  ['environments', '*'],
  ['projects', '*'],
  ['projects', '*', 'environments', '*'],
];

const patterns = prefixes.flatMap((prefix) => places.map((place) => [...prefix, ...place]));

export type Variables = Readonly<Record<string, string | undefined>>;

/**
 * A manifest with each `{ env: NAME, default: ... }` as the value that it stands for. The text of a variable is YAML,
 * as that of `--set` is. One that is not set and has no default is left unset: whether that is an error is known
 * after merging, since another layer may say the value.
 */
export function withEnvironmentValues(tree: Located, variables: Variables, problems: Problems): Located {
  const walk = (node: Located, path: Path): Located => {
    if (node.kind === 'scalar') return node;
    if (node.kind === 'list')
      return { ...node, items: node.items.map((item, i) => walk(item, [...path, i])) };
    const name = patterns.some((pattern) => matches(pattern, path)) ? variableOf(node) : undefined;
    if (name !== undefined) return valueOf(name, node, variables, problems);
    const entries = [...node.entries].map(
      ([key, entry]) => [key, { ...entry, value: walk(entry.value, [...path, key]) }] as const,
    );
    return { ...node, entries: new Map(entries) };
  };
  return walk(tree, []);
}

/** The variables that a part of a manifest takes values from, wherever it may. */
export function variablesIn(tree: Located | undefined): ReadonlySet<string> {
  const found = new Set<string>();
  const walk = (node: Located, path: Path): void => {
    if (node.kind === 'scalar') return;
    if (node.kind === 'list') return node.items.forEach((item, i) => walk(item, [...path, i]));
    const name = patterns.some((pattern) => matches(pattern, path)) ? variableOf(node) : undefined;
    if (name !== undefined) found.add(name);
    else for (const [key, { value }] of node.entries) walk(value, [...path, key]);
  };
  if (tree !== undefined) walk(tree, []);
  return found;
}

/** Complains of every value of the merged manifest whose variable is not set; whether there was one. */
export function findUnset(tree: Located, problems: Problems): boolean {
  if (tree.kind === 'map')
    return [...tree.entries.values()].map(({ value }) => findUnset(value, problems)).includes(true);
  if (tree.kind === 'list') return tree.items.map((item) => findUnset(item, problems)).includes(true);
  if (tree.unset === undefined) return false;
  problems.add(
    tree.origin,
    `the environment variable ${tree.unset} is not set: set it, or give the value a default`,
  );
  return true;
}

function matches(pattern: Path, path: Path): boolean {
  if (path.length < pattern.length) return false;
  const whole = pattern.at(-1) === 'maxEntries' || pattern.includes('attach');
  return (
    (!whole || path.length === pattern.length) && pattern.every((step, i) => step === '*' || step === path[i])
  );
}

/** The variable's name, if a map has nothing but one and perhaps a default. */
function variableOf(node: Located): string | undefined {
  const name = child(node, 'env');
  if (node.kind !== 'map' || name?.kind !== 'scalar' || typeof name.value !== 'string') return undefined;
  const alone = [...node.entries.keys()].every((key) => key === 'env' || key === 'default');
  return alone && /^[A-Za-z_][A-Za-z0-9_]*$/.test(name.value) ? name.value : undefined;
}

function valueOf(name: string, node: Located, variables: Variables, problems: Problems): Located {
  const origin: Origin = { ...node.origin, variable: name };
  const text = variables[name];
  const fallback = child(node, 'default');
  if (text === undefined) {
    const unset: LocatedScalar = { kind: 'scalar', origin, value: null, unset: name };
    return fallback === undefined ? unset : { ...fallback, origin };
  }
  const own = new Problems();
  const value = readYaml({ text, file: `$${name}`, layer: origin.layer }, own);
  if (value?.kind === 'scalar' && value.value !== null) return { ...value, origin };
  problems.add(origin, `the environment variable ${name}: found '${text}', expected one value`);
  return { kind: 'scalar', origin, value: null };
}
