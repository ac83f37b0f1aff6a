import { type Located, type Origin } from './located';

/** The origin of every value of a merged manifest, by its path; a map's is that of its key. */
export function originsOf(tree: Located): Record<string, Origin> {
  const origins: Record<string, Origin> = {};
  const walk = (node: Located, path: string): void => {
    if (node.kind === 'map') {
      for (const [key, { origin, value }] of node.entries) {
        const here = path === '' ? key : `${path}.${key}`;
        origins[here] = value.kind === 'map' ? origin : value.origin;
        walk(value, here);
      }
    } else if (node.kind === 'list') {
      node.items.forEach((item, i) => {
        origins[`${path}.${i}`] = item.origin;
        walk(item, `${path}.${i}`);
      });
    }
  };
  walk(tree, '');
  return origins;
}
