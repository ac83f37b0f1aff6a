import { createHash } from 'node:crypto';
import { possibleCpus, type BpfMap, type Entry } from '@nx-bpf/loader';
import { type ContentsConfig, type Problems, type ProjectConfig } from '../manifest';
import { encodeEntries, type EncodedEntry } from './encoded-entries';
import { familyOf, valueStride, type MapShape } from './shape';
import { writtenEntries } from './written-entries';

/** What a map is to have in it. */
export interface Contents {
  readonly mode: ContentsConfig['mode'];
  readonly entries: readonly EncodedEntry[];
  /** SHA-256 of mode and entries. */
  readonly digest: string;
}

/** How many entries change. */
export interface ContentsCount {
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
}

/** What has to be done to a map for it to have what it is to have, and what there was before. */
export interface ContentsDifference extends ContentsCount {
  readonly writes: readonly Entry[];
  /** Keys of entries that go. */
  readonly removals: readonly Uint8Array[];
  /** Entries as they were: written back, and what is in `writes` but not here removed, it is undone. */
  readonly before: readonly Entry[];
}

/** The contents that the manifest gives a map, as bytes; undefined if it gives none. */
export function contentsOf(config: ProjectConfig, shape: MapShape, problems: Problems): Contents | undefined {
  const { name } = shape;
  const contents = Object.hasOwn(config.maps, name) ? config.maps[name]!.contents : undefined;
  if (contents === undefined) return undefined;
  const { mode, from } = contents;
  return entriesOf(config, shape, { mode, from, at: `maps.${name}.contents.values` }, problems);
}

/**
 * Entries that the manifest gives a map, as bytes.
 *
 * @param contents.at path of the values in the manifest
 */
export function entriesOf(
  config: ProjectConfig,
  shape: MapShape,
  { mode, from, at }: ContentsConfig & { readonly at: string },
  problems: Problems,
): Contents {
  const written = writtenEntries(config, { from, at }, problems);
  const entries = encodeEntries(written, shape, problems);
  return { mode, entries, digest: digestOf(mode, entries) };
}

/** Of the bytes: how they were written makes no difference. Fields that are not mentioned count as zero. */
function digestOf(mode: string, entries: readonly EncodedEntry[]): string {
  const hash = createHash('sha256').update(mode);
  for (const { key, value } of entries) hash.update(key).update(value(undefined));
  return hash.digest('hex');
}

/**
 * What of a map's contents differs from what they are to be. Fields that an entry does not mention may be anything;
 * entries that nobody wrote down count only with `exact`. In an array, whose elements are always there, one that is
 * all zero counts as none.
 *
 * @param map whose entries are read; without one, it is about to be made
 */
export function differenceOf(contents: Contents, map: BpfMap): ContentsDifference {
  const isArray = familyOf(map.type)?.array === true;
  const all = contents.mode === 'exact' ? readAll(map, isArray) : undefined;
  const result = { writes: [] as Entry[], before: [] as Entry[], removals: [] as Uint8Array[] };
  let added = 0;
  let changed = 0;
  let removed = 0;
  for (const entry of contents.entries) {
    const there = map.raw.lookup(entry.key);
    all?.delete(keyText(entry.key));
    const wanted = eachCpu(map, entry, there);
    if (there !== undefined && Buffer.compare(there, wanted) === 0) continue;
    result.writes.push([entry.key, wanted]);
    if (there !== undefined) result.before.push([entry.key, there]);
    if (there === undefined || (isArray && isZero(there))) added++;
    else changed++;
  }
  for (const [key, value] of all?.values() ?? []) {
    removed++;
    result.before.push([key, value]);
    if (isArray) result.writes.push([key, new Uint8Array(value.length)]);
    else result.removals.push(key);
  }
  return { added, changed, removed, ...result };
}

/** Makes a difference disappear. */
export function writeContents(map: BpfMap, difference: ContentsDifference): void {
  // Removed first: a full map has room for the new ones then.
  map.raw.deleteBatch(difference.removals);
  map.raw.updateBatch(difference.writes);
}

/** Puts back what {@link writeContents} changed. */
export function restoreContents(map: BpfMap, { writes, before }: ContentsDifference): void {
  const old = new Set(before.map(([key]) => keyText(key)));
  map.raw.deleteBatch(writes.map(([key]) => key).filter((key) => !old.has(keyText(key))));
  map.raw.updateBatch(before);
}

function readAll(map: BpfMap, isArray: boolean): Map<string, Entry> {
  const all = new Map<string, Entry>();
  for (const entry of map.raw.entries()) if (!isArray || !isZero(entry[1])) all.set(keyText(entry[0]), entry);
  return all;
}

/** The value as system calls have it: in a per-CPU map every CPU gets the same. */
function eachCpu(map: BpfMap, entry: EncodedEntry, there: Uint8Array | undefined): Uint8Array {
  if (familyOf(map.type)?.perCpu !== true) return entry.value(there);
  const stride = valueStride(map);
  const cpus = possibleCpus();
  const bytes = new Uint8Array(stride * cpus);
  for (let cpu = 0; cpu < cpus; cpu++) {
    bytes.set(entry.value(there?.subarray(cpu * stride, cpu * stride + map.valueSize)), cpu * stride);
  }
  return bytes;
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function keyText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
