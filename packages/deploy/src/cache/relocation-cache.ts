import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import {
  BpfError,
  decodeRelocated,
  encodeRelocated,
  keepKernelKnowledge,
  refuseSharedFolder,
  writeByRename,
  type RelocatedObject,
} from '@nx-bpf/loader';
import { Recall, type Selection } from './recall';

const digestBytes = 32;

/** Part of an entry's name: raised when the form of entries changes, so that older ones are not looked at. */
const entryFormat = 2;

export interface CacheAnswer {
  readonly relocated: RelocatedObject;
  readonly outcome: 'hit' | 'miss' | 'off';
  /** Why an entry, or the whole cache, was not used. */
  readonly note: string | undefined;
  /** Digests of the circumstances that the relocation depends on; undefined where the cache is off. */
  readonly depended: Readonly<Record<string, string>> | undefined;
}

/** What only some relocations depend on, by name: digests that are computed when an entry asks for them. */
export type Circumstances = Readonly<Record<string, () => string>>;

/** A relocation, and the names of the circumstances that it depended on. */
export interface Relocation {
  readonly relocated: RelocatedObject;
  readonly depended: readonly string[];
}

/**
 * Relocation output per object. An entry is named by the digest of the inputs that every relocation has, and is read
 * back only if it is what was written: `SHA-256 of the rest, length of a JSON text, the text, the encoded object`.
 * The text holds the circumstances that this relocation depended on beyond its key. A hit reads the entry and nothing
 * else: no ELF, no BTF, no kernel types.
 *
 * @example
 * ```ts
 * const kernel = 'e4f18d9dc1d0e6fc2b17e93e885a647b3c0a6fc1';
 * const key = relocationInputsDigest({ object: objectDigest(bytes), kernel });
 * const cache = new RelocationCache('cache');
 * cache.get(key, {}, () => ({ relocated, depended: [] })).outcome; // 'miss'
 * cache.get(key, {}, () => ({ relocated, depended: [] })).outcome; // 'hit'
 * ```
 */
export class RelocationCache {
  private readonly folder: string | undefined;
  private readonly refusal: string | undefined;
  private readonly offered = new Map<string, RelocatedObject>();

  /** @param folder where entries are; undefined turns the cache off */
  constructor(folder: string | undefined) {
    this.refusal = folder === undefined ? undefined : refuseSharedFolder(folder);
    this.folder = this.refusal === undefined ? folder : undefined;
    // What is known of the kernel is kept beside what depends on it.
    if (this.folder !== undefined) keepKernelKnowledge(this.folder);
  }

  /**
   * The stored output for some inputs, or that of `relocate`, which is then stored.
   *
   * @param key digest of what every output depends on: `relocationInputsDigest`
   */
  get(key: string, circumstances: Circumstances, relocate: () => Relocation): CacheAnswer {
    const offered = this.offered.get(key);
    if (offered !== undefined) return { relocated: offered, outcome: 'hit', note: undefined, depended: {} };
    if (this.folder === undefined) {
      const note = this.refusal === undefined ? undefined : `relocation cache not used: ${this.refusal}`;
      return { relocated: relocate().relocated, outcome: 'off', note, depended: undefined };
    }
    const file = path.join(this.folder, `${key}.${entryFormat}`);
    const stored = read(file, circumstances);
    if ('relocated' in stored) {
      const { relocated, depended } = stored;
      return { relocated, outcome: 'hit', note: undefined, depended };
    }
    const { relocated, depended } = relocate();
    const values = Object.fromEntries([...depended].sort().map((name) => [name, circumstances[name]!()]));
    const failed = store(file, encodeEntry(values, encodeRelocated(relocated)));
    return { relocated, outcome: 'miss', note: failed ?? stored.damage, depended: values };
  }

  /** What is kept of the last load of a file; undefined where the cache is off. */
  recall(selection: Selection): Recall | undefined {
    return this.folder === undefined ? undefined : new Recall(this.folder, selection);
  }

  /**
   * An output that somebody brings along, who is trusted with this one deployment: it answers for its key as long as
   * this cache is used, and is never stored, where it would answer for what others deploy.
   */
  offer(key: string, relocated: RelocatedObject): void {
    this.offered.set(key, relocated);
  }
}

/** Writes an entry; a disk that is full or read-only costs time at the next load, and nothing else. */
function store(file: string, entry: readonly Uint8Array[]): string | undefined {
  try {
    writeByRename(file, ...entry);
    return undefined;
  } catch (error) {
    return `relocation cache entry ${file} cannot be written: ${(error as Error).message}`;
  }
}

/** The parts of an entry, not put together: the object may have megabytes. */
function encodeEntry(circumstances: Readonly<Record<string, string>>, object: Uint8Array): Uint8Array[] {
  const text = Buffer.from(JSON.stringify(circumstances));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  const digest = createHash('sha256').update(length).update(text).update(object).digest();
  return [digest, length, text, object];
}

type Stored =
  | { readonly relocated: RelocatedObject; readonly depended: Readonly<Record<string, string>> }
  | { readonly damage: string | undefined };

function read(file: string, circumstances: Circumstances): Stored {
  let entry: Buffer;
  try {
    entry = fs.readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { damage: undefined };
    return {
      damage: `relocation cache entry ${file} cannot be read (${(error as Error).message}): relocated anew`,
    };
  }
  const rest = entry.subarray(digestBytes);
  if (!createHash('sha256').update(rest).digest().equals(entry.subarray(0, digestBytes))) {
    return { damage: `relocation cache entry ${file} is damaged: relocated anew` };
  }
  try {
    const end = 4 + rest.readUInt32LE(0);
    const then = JSON.parse(rest.toString('utf8', 4, end)) as Record<string, string>;
    // The kernel's configuration or modules are others now: nothing is wrong with the entry, but it is old.
    if (Object.entries(then).some(([name, value]) => circumstances[name]?.() !== value))
      return { damage: undefined };
    // Not a Buffer: its slice() would share memory with every part of the object.
    const { buffer, byteOffset, length } = rest.subarray(end);
    return { relocated: decodeRelocated(new Uint8Array(buffer, byteOffset, length)), depended: then };
  } catch (error) {
    if (error instanceof BpfError && error.code !== 'RELOCATED_MALFORMED') throw error;
    return {
      damage: `relocation cache entry ${file} is damaged (${(error as Error).message}): relocated anew`,
    };
  }
}
