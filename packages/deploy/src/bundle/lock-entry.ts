import fs from 'node:fs';
import { instructionsDigest, mapAbiDigest, parseObject, type MapSpec, type ObjectSpec } from '@nx-bpf/loader';
import { type ProjectConfig } from '../manifest';
import { type BuiltObject } from '../toolchain';

/** What a project was built from and with in one environment, and what came of it: digests are SHA-256. */
export interface LockEntry {
  /** First line of `clang --version`; '' if there is nothing to compile. */
  readonly clang: string;
  /** Digest of the vmlinux.h that objects include, null if none does. */
  readonly vmlinux: string | null;
  readonly objects: Readonly<Record<string, LockedObject>>;
}

export interface LockedObject {
  /** As clang gets them. */
  readonly flags: readonly string[];
  /** Of the object file. */
  readonly object: string;
  /** Of the instructions of each program before relocation, by function: the same for every kernel. */
  readonly programs: Readonly<Record<string, string>>;
  /** Of the definition of each map, with the manifest's sizes, by name. */
  readonly maps: Readonly<Record<string, string>>;
}

/** A kernel package that types came from. */
export interface LockedKernel {
  readonly package: string;
  readonly version: string;
  /** SHA-256 of the package. */
  readonly sha256: string;
}

/** Whether a part of a lock file, which people merge by hand, has what an entry has. */
export function isLockEntry(value: unknown): value is LockEntry {
  const { objects } = isRecord(value) ? value : {};
  return (
    isRecord(objects) &&
    Object.values(objects).every(
      (object) =>
        isRecord(object) &&
        Array.isArray(object['flags']) &&
        isRecord(object['programs']) &&
        isRecord(object['maps']),
    )
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** The entry of a project as it was built just now. */
export function lockEntry(config: ProjectConfig, objects: readonly BuiltObject[]): LockEntry {
  return {
    clang: objects[0]?.compiler ?? '',
    vmlinux: objects.map(({ vmlinux }) => vmlinux).find((digest) => digest !== null) ?? null,
    objects: Object.fromEntries(objects.map((object) => [object.name, lockedObject(config, object)])),
  };
}

function lockedObject(config: ProjectConfig, { name, file, flags, sha256 }: BuiltObject): LockedObject {
  const spec = parseObject(fs.readFileSync(file), { name });
  return {
    flags,
    object: sha256,
    programs: sortedRecord(
      spec.programs.map((program) => [
        program.name,
        instructionsDigest(spec.functions[program.function]!.instructions),
      ]),
    ),
    maps: sortedRecord(spec.maps.map((map) => [map.name, abi(config, spec, map)])),
  };
}

function abi(config: ProjectConfig, { btf }: ObjectSpec, map: MapSpec): string {
  const maxEntries = Object.hasOwn(config.maps, map.name) ? config.maps[map.name]!.maxEntries : undefined;
  return mapAbiDigest(maxEntries === undefined ? map : { ...map, maxEntries }, btf);
}

function sortedRecord<T>(entries: readonly (readonly [string, T])[]): Record<string, T> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

/**
 * In what an entry differs from the one that is locked, a line each: what people can act on (compiler, headers, flags)
 * comes before what follows from it.
 */
export function lockDifferences(locked: LockEntry, now: LockEntry): string[] {
  const lines: string[] = [];
  const compare = (
    what: string,
    before: string | null | undefined,
    after: string | null | undefined,
  ): void => {
    if (before !== after) lines.push(`${what}: locked ${before ?? 'none'}, found ${after ?? 'none'}`);
  };
  compare('clang', locked.clang, now.clang);
  compare('vmlinux.h', locked.vmlinux, now.vmlinux);
  for (const name of namesOf(locked.objects, now.objects)) {
    const [before, after] = [own(locked.objects, name), own(now.objects, name)];
    if (before === undefined || after === undefined) {
      lines.push(`object '${name}': ${before === undefined ? 'not locked' : 'locked, and no longer there'}`);
      continue;
    }
    compare(`object '${name}': flags`, before.flags.join(' '), after.flags.join(' '));
    compare(`object '${name}'`, before.object, after.object);
    for (const [kind, one, other] of [
      ['program', before.programs, after.programs],
      ['map', before.maps, after.maps],
    ] as const) {
      for (const part of namesOf(one, other))
        compare(`object '${name}': ${kind} '${part}'`, own(one, part), own(other, part));
    }
  }
  return lines;
}

function namesOf(a: object, b: object): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
}

function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
