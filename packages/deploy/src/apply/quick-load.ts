import fs from 'node:fs';
import {
  fileStatus,
  ImageLoad,
  instructionsDigest,
  kernelIdentity,
  makeDirectoryQuickly,
  makeImage,
  setImageCosts,
  programTypeName,
  type MapSpec,
  type RelocatedObject,
  type RelocatedProgram,
} from '@nx-bpf/loader';
import { type CacheAnswer, type Recall, type Recalled, type RelocationCache } from '../cache';
import { pinName } from '../manifest';
import { stillSo } from './relocate-cached';

/** What can be said of an object's programs and maps without asking the kernel. */
export interface KnownObject {
  readonly programs: readonly {
    readonly name: string;
    readonly section: string;
    readonly type: string;
    readonly insnsSha256: string;
    readonly insns: number;
    /** Instructions that the verifier walked; 0 where the kernel does not tell. */
    readonly cost: number;
  }[];
  /** Names, and what each is called where it is pinned. */
  readonly maps: readonly { readonly name: string; readonly pin: string }[];
}

/** A file that was modified less than this many milliseconds ago may be modified again without a new time. */
const TICK = 100;
/** The same where times are whole seconds. */
const SECOND = 2000;

/** An object file, and what its last load left about it. */
export class RememberedFile {
  private readonly recall: Recall | undefined;
  private readonly stamp: string;
  readonly last: Recalled | undefined;
  /** Whether the file is that of the last load, and nothing that its relocation depends on has changed since. */
  readonly unchanged: boolean;

  constructor(
    cache: RelocationCache,
    object: { readonly file: string; readonly name: string },
    programs: readonly string[] | undefined,
  ) {
    const { buildId } = kernelIdentity();
    this.recall = buildId === undefined ? undefined : cache.recall({ ...object, programs, kernel: buildId });
    this.last = this.recall?.get();
    this.stamp = this.recall === undefined ? '' : stampOf(object.file);
    this.unchanged =
      this.last !== undefined &&
      this.stamp !== '' &&
      this.last.stamp === this.stamp &&
      stillSo(this.last.depended);
  }

  /** Instructions that the verifier walked in the programs when they were loaded last. */
  get costs(): ReadonlyMap<string, number> {
    if (this.last === undefined) return new Map();
    const { programs } = JSON.parse(this.last.report) as KnownObject;
    return new Map(programs.map(({ name, cost }) => [name, cost]));
  }

  /**
   * Keeps what was loaded, for the next time.
   *
   * @param image of it; undefined where it has none
   */
  keep(key: string, { depended }: CacheAnswer, known: KnownObject, image: Uint8Array | undefined): void {
    if (this.recall === undefined || depended === undefined) return;
    if (image !== undefined)
      setImageCosts(
        image,
        known.programs.map(({ cost }) => cost),
      );
    const report = JSON.stringify(known);
    this.recall.put({ stamp: this.stamp, key, depended, report, image: image ?? new Uint8Array(0) });
  }
}

/** '' for a file that may change without its times telling. */
function stampOf(file: string): string {
  const status = fileStatus(file);
  if (status === undefined) return '';
  const tick = status.changed % 1000 === 0 ? SECOND : TICK;
  return Date.now() - status.changed < tick ? '' : status.stamp;
}

/** The name that a map is pinned by: that of a data section has a dot in the kernel. */
export function mapPinName({ name, kernelName, origin }: MapSpec): string {
  return pinName(origin === 'data' || origin === 'kconfig' ? kernelName : name);
}

/** The image of a relocated object, where it has one. */
export function imageOf(
  relocated: RelocatedObject,
  costs: ReadonlyMap<string, number>,
): Uint8Array | undefined {
  return makeImage(relocated, {
    mapPin: mapPinName,
    programPin: ({ name }) => pinName(name),
    cost: (program) => costs.get(program.name) ?? program.instructions.length / 8,
  });
}

/** What can be said of an object's maps and programs. */
export function knownObject(
  maps: readonly MapSpec[],
  programs: readonly { readonly spec: RelocatedProgram; readonly type: number }[],
): KnownObject {
  return {
    programs: programs.map(({ spec, type }) => ({
      name: spec.name,
      section: spec.section,
      type: programTypeName(type),
      insnsSha256: instructionsDigest(spec.instructions),
      insns: spec.instructions.length / 8,
      cost: 0,
    })),
    maps: maps.map((spec) => ({ name: spec.name, pin: mapPinName(spec) })),
  };
}

/** The same, with how many instructions the verifier walked. */
export function withCosts(known: KnownObject, verified: readonly (number | null)[]): KnownObject {
  return { ...known, programs: known.programs.map((each, i) => ({ ...each, cost: verified[i] ?? 0 })) };
}

/** An object that is loaded from its image, and pinned. */
export interface QuickLoad {
  readonly load: ImageLoad;
  /** Removes the pins and their directory again. */
  readonly remove: () => void;
}

/**
 * Loads an object from its image into a directory that does not exist yet: then nothing that is there can be in the
 * way, or has to be used.
 *
 * @param image fds are written into it
 * @returns undefined if that does not work, for whatever reason; then nothing is left of it
 */
export async function quickLoad(image: Uint8Array, directory: string): Promise<QuickLoad | undefined> {
  const load = image.length === 0 ? undefined : ImageLoad.of(image);
  if (load === undefined || !makeDirectory(directory)) return undefined;
  const remove = (): void => fs.rmSync(directory, { recursive: true, force: true });
  try {
    const loading = load.load();
    const loaded = typeof loading === 'boolean' ? loading : await loading;
    if (loaded && makeDirectory(`${directory}/maps`) && load.pin(directory)) {
      return { load, remove };
    }
  } catch (error) {
    load.close();
    remove();
    throw error;
  }
  load.close();
  remove();
  return undefined;
}

/** Whether a directory was made, by this process and only for its user, whatever the umask. */
function makeDirectory(directory: string): boolean {
  return makeDirectoryQuickly(directory, 0o700) === 0;
}
