import path from 'node:path';
import { type PacketConfig, type ProjectConfig } from '../manifest';

/** Marks what JSON cannot say: a number of 64 bits, and a path of the workspace. */
const bigintKey = '$bigint';
const pathKey = '$path';

/**
 * A project's configuration as text that does not know where the workspace is: paths inside it are relative to it.
 * Files that it names are given other paths by `moved`: those in the bundle. What the manifest says of the host stays
 * as it is written, be it the path of a binary that happens to lie in the workspace; and flags of the compiler are left
 * out, since nothing is compiled from a bundle.
 */
export function encodeConfig(config: ProjectConfig, moved: ReadonlyMap<string, string>): string {
  const { workspaceRoot, programs, privileges, objects, maps, runs, toolchain, ...rest } = config;
  const place = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(place);
    if (typeof value === 'object' && value !== null) return mapValues(value, place);
    if (typeof value !== 'string') return value;
    const inside = path.relative(workspaceRoot, value);
    if (value !== workspaceRoot && !value.startsWith(`${workspaceRoot}/`)) return value;
    return { [pathKey]: moved.get(value) ?? (inside === '' ? '.' : inside) };
  };
  const portable = (packet: PacketConfig | undefined): unknown =>
    packet !== undefined && 'file' in packet ? { file: place(packet.file) } : packet;
  const whole = {
    workspaceRoot: place(workspaceRoot),
    ...mapValues(rest, place),
    runs: runs.map(({ packet, expect, ...run }) => ({
      ...run,
      packet: portable(packet),
      expect: { ...expect, output: portable(expect.output) },
    })),
    toolchain: { ...mapValues(toolchain, place), cflags: [] },
    objects: mapValues(objects, ({ source, ...object }) => ({
      ...object,
      source: place(source),
      cflags: [],
      includes: [],
    })),
    maps: mapValues(maps, ({ contents, ...map }) => ({
      ...map,
      contents:
        contents !== undefined && 'file' in contents.from
          ? { ...contents, from: { file: place(contents.from.file) } }
          : contents,
    })),
    programs,
    privileges,
  };
  return JSON.stringify(whole, (_key, value: unknown) =>
    typeof value === 'bigint' ? { [bigintKey]: String(value) } : value,
  );
}

function mapValues<T>(record: Readonly<Record<string, T>> | object, map: (value: T) => unknown) {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value as T)]));
}

/**
 * The configuration of a bundle that is unpacked in a directory.
 *
 * @throws SyntaxError for text that is no JSON, or names a path outside of the directory
 */
export function decodeConfig(text: string, directory: string): ProjectConfig {
  const config = JSON.parse(text, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value;
    const marked = value as Record<string, unknown>;
    if (typeof marked[bigintKey] === 'string') return BigInt(marked[bigintKey]);
    if (typeof marked[pathKey] === 'string') return inside(directory, marked[pathKey]);
    return value;
  }) as ProjectConfig | null;
  // Those written before manifests could name any have none; what else may be missing is looked at by who reads it.
  const privileges = { helper: 'none', node: '/', installation: '/', socket: '/' };
  const deploy = { signedBy: [], ...config?.deploy };
  return { structOps: {}, runs: [], privileges, ...config, deploy } as unknown as ProjectConfig;
}

function inside(directory: string, relative: string): string {
  const file = path.join(directory, relative);
  if (file === directory || file.startsWith(`${directory}/`)) return file;
  throw new SyntaxError(`'${relative}' leads out of the bundle`);
}
