import {
  attachDefaults,
  defaults,
  kernelDefaults,
  mapDefaults,
  objectDefaults,
  programDefaults,
  structOpsDefaults,
} from './defaults';
import { hooks, type Hook, type OptionValue } from './hooks';
import { child, children, located, nowhere, withChild, type Located, type LocatedMap } from './located';
import { merge } from './merge';

/**
 * Puts the built-in defaults under a merged manifest: those of the whole, then those of every object, map, program,
 * and attachment it names.
 *
 * @param merged every written layer
 */
export function complete(merged: Located): LocatedMap {
  let tree = merge(defaults, merged) as LocatedMap;
  tree = under(tree, 'objects', (name) => objectDefaults(name));
  tree = under(tree, 'maps', () => mapDefaults);
  tree = under(tree, 'kernels', () => kernelDefaults);
  const objects = children(child(tree, 'objects')).map(([name]) => name);
  const soleObject = objects.length === 1 ? objects[0] : undefined;
  tree = under(tree, 'programs', (name) => programDefaults(name, soleObject));
  tree = under(tree, 'structOps', (name) => structOpsDefaults(name, soleObject));
  return eachOf(tree, 'programs', (_, program) =>
    eachOf(completeAttach(program), 'variants', (_name, variant) => completeAttach(variant)),
  );
}

function completeAttach(holder: LocatedMap): LocatedMap {
  return eachOf(holder, 'attach', (_id, entry) => over(attachDefaultsOf(entry), entry));
}

function attachDefaultsOf(entry: Located): object {
  const options = Object.entries(hooks)
    .filter(([name]) => child(entry, name) !== undefined)
    .map(([name, { keys }]: [string, Hook]) => [name, defaultsOf(keys)]);
  return { ...attachDefaults, ...Object.fromEntries(options) };
}

function defaultsOf(keys: Hook['keys']): Record<string, OptionValue | undefined> {
  return Object.fromEntries(Object.entries(keys).map(([key, { default: value }]) => [key, value]));
}

function under(tree: LocatedMap, part: string, defaultsFor: (name: string) => object): LocatedMap {
  return eachOf(tree, part, (name, item) => over(defaultsFor(name), item));
}

function over(values: object, item: Located): LocatedMap {
  return merge(located(values, nowhere), item) as LocatedMap;
}

/** The tree with each entry of one of its maps replaced; a map's entry only, whatever else is there. */
function eachOf(
  tree: LocatedMap,
  part: string,
  replace: (name: string, item: LocatedMap) => LocatedMap,
): LocatedMap {
  const entry = tree.entries.get(part);
  if (entry?.value.kind !== 'map') return tree;
  const replaced = [...entry.value.entries].map(([name, { origin, value }]) => {
    return [name, { origin, value: value.kind === 'map' ? replace(name, value) : value }] as const;
  });
  return withChild(tree, part, { ...entry.value, entries: new Map(replaced) }, entry.origin);
}
