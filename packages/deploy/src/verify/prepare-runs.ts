import fs from 'node:fs';
import { type Btf, nearest, programTypeName, type MapSpec, type VariableSpec } from '@nx-bpf/loader';
import { deployedName, placeOf } from '../apply';
import { entriesOf, contentsOf, shapeOfSpec, type Contents, type EncodedEntry, type MapShape } from '../maps';
import {
  everyProgram,
  type PacketConfig,
  type Problems,
  type ProjectConfig,
  type RunConfig,
} from '../manifest';
import { hexBytes, packetBytes } from './packet';
import { returnValueOf, runnableAs, runnableTypes, type Runnable } from './runnable';

/** What of an object its checks are about, relocated or not. */
export interface RunObject {
  /** By the manifest. */
  readonly name: string;
  readonly btf: Btf | undefined;
  readonly maps: readonly MapSpec[];
  readonly variables: readonly VariableSpec[];
  readonly programs: readonly { readonly name: string; readonly type: number | undefined }[];
}

/** A check with everything that the manifest says of it as bytes. */
export interface PreparedRun {
  readonly run: RunConfig;
  readonly runnable: Runnable;
  readonly packet: Uint8Array | undefined;
  readonly output: Uint8Array | undefined;
  /** 32 bits, unsigned. */
  readonly returns: number | undefined;
  /** What maps have in them beforehand, in the order in which it is written. */
  readonly before: readonly RunContents[];
  readonly after: readonly RunEntries[];
}

export interface RunContents {
  readonly map: string;
  readonly contents: Contents;
}

export interface RunEntries {
  /** Name in the object. */
  readonly map: string;
  readonly shape: MapShape;
  readonly entries: readonly EncodedEntry[];
}

/**
 * The checks of a program, and of an object, as bytes. Programs of a type that the kernel does not run on demand, maps and
 * variables that are not there, and values that do not fit are problems, each at its place in the manifest.
 *
 * @param functions whose checks; the same program may be another function in each of its variants
 */
export function prepareRuns(
  config: ProjectConfig,
  object: RunObject,
  functions: readonly string[],
  problems: Problems,
): PreparedRun[] {
  return config.runs.flatMap((run) =>
    everyProgram(config)
      .filter((each) => each.program === run.program && each.object === object.name)
      .filter((each) => functions.includes(each.function))
      .flatMap((each) => {
        const type = object.programs.find(({ name }) => name === each.function)?.type;
        const runnable = type === undefined ? undefined : runnableAs(type);
        if (runnable !== undefined) return [prepared(config, object, { run, runnable, problems })];
        problems.add(
          placeOf(config, [`run.${run.name}.program`, `run.${run.name}`]),
          `run '${run.name}': the kernel does not run programs of type ${type === undefined ? 'unknown' : programTypeName(type)} on demand (BPF_PROG_RUN), as '${run.program}' is; it runs ${runnableTypes().join(', ')}`,
        );
        return [];
      }),
  );
}

interface Preparing {
  readonly run: RunConfig;
  readonly runnable: Runnable;
  readonly problems: Problems;
}

function prepared(config: ProjectConfig, object: RunObject, preparing: Preparing): PreparedRun {
  const { run, runnable, problems } = preparing;
  const at = `run.${run.name}`;
  const problem = (path: string, text: string): void =>
    problems.add(placeOf(config, [path]), `${path}: ${text}`);
  const packet = (of: PacketConfig | undefined, path: string): Uint8Array | undefined =>
    of && bytesOf(of, (text) => problem(path, text));
  if (!runnable.packet && run.packet !== undefined)
    problem(`${at}.input.packet`, 'programs of this type are not given a packet');
  if (!runnable.packet && run.expect.output !== undefined)
    problem(`${at}.expect.output`, 'programs of this type are not given a packet');
  // The kernel wants an Ethernet header of every packet.
  const data = packet(run.packet, `${at}.input.packet`) ?? (runnable.packet ? new Uint8Array(64) : undefined);
  if (runnable.packet && data !== undefined && data.length < 14)
    problem(`${at}.input.packet`, `found ${data.length} bytes, expected 14 at least, an Ethernet header`);
  const expected = run.expect.return;
  const value = typeof expected === 'string' ? returnValueOf(runnable, expected) : expected;
  if (typeof expected === 'string' && value === undefined) {
    const names = runnable.returns.flatMap((each) => Object.keys(each));
    const known = names.length === 0 ? 'a number' : `a number, or one of ${names.join(', ')}`;
    problem(`${at}.expect.return`, `found '${expected}', expected ${known}`);
  }
  for (const name of Object.keys(run.expect.variables)) {
    const known = object.variables.map((variable) => variable.name);
    if (!known.includes(name))
      problem(`${at}.expect.variables.${name}`, `no global variable '${name}'${hint(name, known)}`);
  }
  const shapes = new Map(
    object.maps.map((spec) => [deployedName(object.name, spec), shapeIn(config, object, spec)]),
  );
  const shapeOf = (path: string, name: string): MapShape | undefined => {
    const shape = shapes.get(name)?.shape;
    if (shape === undefined)
      problem(path, `object '${object.name}' has no map '${name}'${hint(name, [...shapes.keys()])}`);
    return shape;
  };
  const written = (path: string, name: string, values: unknown): Contents[] => {
    const shape = shapeOf(path, name);
    return shape === undefined
      ? []
      : [entriesOf(config, shape, { mode: 'merge', from: { values }, at: path }, problems)];
  };
  return {
    run,
    runnable,
    packet: data,
    output: packet(run.expect.output, `${at}.expect.output`),
    returns: value === undefined ? undefined : value >>> 0,
    before: [
      ...[...shapes.values()].flatMap(({ map, shape }) => {
        const contents = contentsOf(config, shape, problems);
        return contents === undefined ? [] : [{ map, contents }];
      }),
      ...Object.entries(run.maps).flatMap(([name, values]) =>
        written(`${at}.maps.${name}`, name, values).map((contents) => ({
          map: shapes.get(name)!.map,
          contents,
        })),
      ),
    ],
    after: Object.entries(run.expect.maps).flatMap(([name, values]) =>
      written(`${at}.expect.maps.${name}`, name, values).map(({ entries }) => ({
        ...shapes.get(name)!,
        entries,
      })),
    ),
  };
}

function hint(name: string, known: readonly string[]): string {
  const near = nearest(name, [...known]);
  return near.length > 0
    ? `; did you mean ${near.join(' or ')}?`
    : `; it has ${[...known].sort().join(', ') || 'none'}`;
}

/** A map of the object by its own name, and the shape that it has in a deployment. */
function shapeIn(
  { maps }: ProjectConfig,
  { name: object, btf }: RunObject,
  spec: MapSpec,
): Pick<RunEntries, 'map' | 'shape'> {
  const name = deployedName(object, spec);
  const maxEntries = Object.hasOwn(maps, name) ? maps[name]!.maxEntries : undefined;
  const sized = maxEntries === undefined ? spec : { ...spec, maxEntries };
  return { map: spec.name, shape: shapeOfSpec(sized, btf, name) };
}

function bytesOf(packet: PacketConfig, problem: (text: string) => void): Uint8Array | undefined {
  if ('hex' in packet) return hexBytes(packet.hex);
  if ('headers' in packet) return packetBytes(packet.headers);
  try {
    return new Uint8Array(fs.readFileSync(packet.file));
  } catch (error) {
    problem(`${packet.file} cannot be read: ${(error as Error).message}`);
    return undefined;
  }
}
