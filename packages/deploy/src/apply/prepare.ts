import { createHash } from 'node:crypto';
import {
  BpfError,
  nearest,
  withConstants,
  withMaps,
  type ObjectSpec,
  type RelocatedObject,
} from '@nx-bpf/loader';
import { type RelocationCache } from '../cache';
import { at, everyProgram, wantedOf, type Problems, type ProjectConfig } from '../manifest';
import { readObject, relocateCached } from './relocate-cached';

/** An object of the manifest, compiled. */
export interface CompiledObject {
  readonly name: string;
  readonly file: string;
  /** Digests of the C files it was made from, and of compiler and flags; absent where nobody knows. */
  readonly sources?: string | undefined;
  readonly toolchain?: string | undefined;
}

/** An object of the manifest, compiled and relocated for this kernel, with the environment's values in it. */
export interface PreparedObject {
  readonly name: string;
  /** The object file. */
  readonly file: string;
  /** SHA-256 of the object file. */
  readonly digest: string;
  readonly sources: string | null;
  readonly toolchain: string | null;
  /** SHA-256 of the constants that the manifest gives it. */
  readonly constants: string;
  /** Functions and structs of programs that the manifest names, sorted. */
  readonly wanted: readonly string[];
  readonly relocated: RelocatedObject;
  readonly cache: 'hit' | 'miss' | 'off';
}

export interface Preparation {
  readonly cache: RelocationCache;
  /** Receives what is wrong with the manifest as seen from the objects. */
  readonly problems: Problems;
  readonly note: (text: string) => void;
}

/**
 * One object: relocated (from the cache if it is there), its constants and map sizes set.
 *
 * @returns undefined if the manifest asks for what the object does not have: then that is in `problems`
 * @throws BpfError for everything that is wrong with the object itself
 */
export function prepareObject(
  config: ProjectConfig,
  object: CompiledObject,
  { cache, problems, note }: Preparation,
): PreparedObject | undefined {
  const wanted = wantedOf(config, object.name);
  const file = { ...readObject(object.file), name: object.name };
  let answer;
  try {
    const check = (spec: ObjectSpec): void => {
      if (!hasPrograms(config, object.name, spec, problems)) throw new Unprepared();
    };
    answer = relocateCached(file, wanted, cache, { check });
  } catch (error) {
    if (error instanceof Unprepared) return undefined;
    throw error;
  }
  if (answer.note !== undefined) note(answer.note);

  const relocated = withValues(config, object.name, answer.relocated, problems);
  return {
    name: object.name,
    file: object.file,
    digest: file.digest,
    sources: object.sources ?? null,
    toolchain: object.toolchain ?? null,
    constants: constantsDigest(config, object.name),
    wanted,
    relocated,
    cache: answer.outcome,
  };
}

/** The manifest asks for programs that are not there: relocation makes no sense then. */
class Unprepared extends Error {}

export function hasPrograms(
  config: ProjectConfig,
  object: string,
  spec: ObjectSpec,
  problems: Problems,
): boolean {
  const known = spec.programs.map((program) => program.name);
  let complete = true;
  for (const program of everyProgram(config)) {
    if (program.object !== object || known.includes(program.function)) continue;
    const { program: name, variant } = program;
    complete = false;
    const near = nearest(program.function, known);
    const hint =
      near.length > 0 ? `did you mean ${near.join(' or ')}?` : `it has ${known.sort().join(', ') || 'none'}`;
    problems.add(
      placeOf(config, [
        ...(variant === undefined ? [] : [`programs.${name}.variants.${variant.name}.function`]),
        `programs.${name}.function`,
        `programs.${name}`,
      ]),
      `program '${name}'${variant === undefined ? '' : `, variant ${variant.name}`}: object '${object}' has no program '${program.function}'; ${hint}`,
    );
  }
  const structs = spec.maps.filter((map) => map.structOps !== undefined).map((map) => map.name);
  for (const [id, entry] of sortedEntries(config.structOps)) {
    if (entry.object !== object || structs.includes(entry.map)) continue;
    complete = false;
    const near = nearest(entry.map, structs);
    const hint =
      near.length > 0
        ? `did you mean ${near.join(' or ')}?`
        : `it has ${structs.sort().join(', ') || 'none'} in SEC(".struct_ops.link") and SEC(".struct_ops")`;
    problems.add(
      placeOf(config, [`structOps.${id}.map`, `structOps.${id}`]),
      `struct_ops '${id}': object '${object}' has no variable '${entry.map}' of that kind; ${hint}`,
    );
  }
  return complete;
}

/** Constants one by one, so that every one that is wrong is named; then the sizes of maps. */
export function withValues(
  config: ProjectConfig,
  object: string,
  relocated: RelocatedObject,
  problems: Problems,
): RelocatedObject {
  let result = relocated;
  for (const [name, value] of sortedEntries(config.objects[object]!.constants)) {
    try {
      result = withConstants(result, { [name]: value });
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      problems.add(placeOf(config, [constantPath(object, name, error)]), error.message);
    }
  }
  const names = new Set(result.maps.map((map) => map.name));
  const overrides = Object.fromEntries(
    sortedEntries(config.maps)
      .filter(([name, map]) => names.has(name) && map.maxEntries !== undefined)
      .map(([name, map]) => [name, { maxEntries: map.maxEntries! }]),
  );
  // Where a map of a deployment is pinned is said by the manifest, not by LIBBPF_PIN_BY_NAME.
  const maps = result.maps.map((map) => ({ ...map, pinByName: false }));
  return withMaps({ ...result, maps }, overrides);
}

/** Where the manifest says the part of a constant that is wrong: `rules[2].port` of a list of structs. */
function constantPath(object: string, name: string, error: BpfError): string {
  const part = error.cause instanceof BpfError ? error.cause.fields.symbol : undefined;
  const steps = part?.startsWith(name) === true ? part.replaceAll(/\[(\d+)\]/g, '.$1') : name;
  return `objects.${object}.constants.${steps}`;
}

function constantsDigest(config: ProjectConfig, object: string): string {
  const values = sortedEntries(config.objects[object]!.constants);
  return createHash('sha256')
    .update(
      JSON.stringify(values, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)),
    )
    .digest('hex');
}

export function sortedEntries<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

const anywhere = { file: '', line: 0, column: 0 };

/** Where the manifest says something: the first of the paths that was written. */
export function placeOf(
  config: ProjectConfig,
  paths: readonly string[],
): { file: string; line: number; column: number } {
  for (const path of paths) {
    const origin = at(config, path);
    if (origin !== undefined) return origin;
  }
  return anywhere;
}
