import path from 'node:path';
import { type ProjectConfig } from '../manifest';

/** Marks what JSON cannot say: a number of 64 bits, and a path of the workspace. */
const bigintKey = '$bigint';
const pathKey = '$path';

/**
 * A project's configuration as text that does not know where the workspace is: paths inside it are relative to it.
 * Files that it names are given other paths by `moved`: those in the bundle.
 */
export function encodeConfig(config: ProjectConfig, moved: ReadonlyMap<string, string>): string {
  const { workspaceRoot } = config;
  const place = (file: string): string | undefined => {
    const inside = path.relative(workspaceRoot, file);
    return moved.get(file) ?? (inside.startsWith('..') ? undefined : inside);
  };
  return JSON.stringify(config, (_key, value: unknown) => {
    if (typeof value === 'bigint') return { [bigintKey]: String(value) };
    if (value === workspaceRoot) return { [pathKey]: '.' };
    if (typeof value === 'string' && value.startsWith(`${workspaceRoot}/`)) {
      const inside = place(value);
      if (inside !== undefined) return { [pathKey]: inside };
    }
    return value;
  });
}

/**
 * The configuration of a bundle that is unpacked in a directory.
 *
 * @throws SyntaxError for text that is no JSON, or names a path outside of the directory
 */
export function decodeConfig(text: string, directory: string): ProjectConfig {
  return JSON.parse(text, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value;
    const marked = value as Record<string, unknown>;
    if (typeof marked[bigintKey] === 'string') return BigInt(marked[bigintKey]);
    if (typeof marked[pathKey] === 'string') return inside(directory, marked[pathKey]);
    return value;
  }) as ProjectConfig;
}

function inside(directory: string, relative: string): string {
  const file = path.join(directory, relative);
  if (file === directory || file.startsWith(`${directory}/`)) return file;
  throw new SyntaxError(`'${relative}' leads out of the bundle`);
}
