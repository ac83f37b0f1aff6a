import path from 'node:path';
import { quickCrc32, readQuickly, writeByRename } from '@nx-bpf/loader';

/** 'NXBR', little endian. */
const MAGIC = 0x5242584e;

/** Changes whenever the form of the file does, or what is in its parts. */
const VERSION = 1;

/**
 * CRC-32 of what follows: damage is looked for, as only this user can have written the file. Magic, version; lengths of
 * six parts, of which the last is at a multiple of 8.
 */
const DIGEST = 4;
const HEADER = 40;

/** No file of ours is longer: an object of 50,000 instructions takes two megabytes. */
const LIMIT = 64 * 1024 * 1024;

/** What an object file is loaded as. */
export interface Selection {
  readonly file: string;
  /** What kernel names of data maps come from. */
  readonly name: string;
  readonly programs: readonly string[] | undefined;
  /** What the kernel is told by. */
  readonly kernel: string;
}

/** What is kept of the last load of an object file. */
export interface Recalled {
  /** `FileStatus.stamp` of the file then; '' where it had been written just before. */
  readonly stamp: string;
  /** Name of its relocation in the cache. */
  readonly key: string;
  /** Digests of what the relocation depended on beyond the key, by name. */
  readonly depended: Readonly<Record<string, string>>;
  /** What can be said of its programs and maps without asking the kernel, as JSON. */
  readonly report: string;
  /** For `ImageLoad`; empty where the object has none. */
  readonly image: Uint8Array;
}

/**
 * What was loaded from a path: as git's index does, it answers for a file that has not changed since without reading
 * it. One file for each selection, in the folder of the relocation cache.
 */
export class Recall {
  private readonly file: string;
  private readonly identity: string;

  constructor(folder: string, { file, name, programs, kernel }: Selection) {
    this.identity = JSON.stringify([path.resolve(file), name, programs ?? null, kernel]);
    this.file = path.join(folder, `${nameOf(this.identity)}.${VERSION}.recall`);
  }

  /** @returns undefined where nothing is kept, or what is kept is damaged, or of another selection with this name */
  get(): Recalled | undefined {
    const bytes = readQuickly(this.file, LIMIT);
    if (bytes === undefined || bytes.length < HEADER) return undefined;
    if (quickCrc32(bytes.subarray(DIGEST)) !== bytes.readUInt32LE(0)) return undefined;
    if (bytes.readUInt32LE(DIGEST) !== MAGIC || bytes.readUInt32LE(DIGEST + 4) !== VERSION) return undefined;
    const [identity, stamp, key, depended, report, image] = parts(bytes);
    if (identity?.toString() !== this.identity) return undefined;
    return {
      stamp: stamp!.toString('latin1'),
      key: key!.toString('latin1'),
      depended: JSON.parse(depended!.toString()) as Record<string, string>,
      report: report!.toString(),
      image: image!,
    };
  }

  /** That it cannot be written costs time at the next load, and nothing else. */
  put({ stamp, key, depended, report, image }: Recalled): void {
    const texts = [this.identity, stamp, key, JSON.stringify(depended), report].map((text) =>
      Buffer.from(text),
    );
    const start = HEADER + texts.reduce((sum, { length }) => sum + length, 0);
    const rest = Buffer.alloc(aligned(start) - DIGEST + image.length);
    rest.writeUInt32LE(MAGIC, 0);
    rest.writeUInt32LE(VERSION, 4);
    [...texts, image].forEach(({ length }, i) => rest.writeUInt32LE(length, 8 + 4 * i));
    let at = HEADER - DIGEST;
    for (const text of texts) at += text.copy(rest, at);
    rest.set(image, aligned(start) - DIGEST);
    const sum = Buffer.alloc(DIGEST);
    sum.writeUInt32LE(quickCrc32(rest));
    try {
      writeByRename(this.file, sum, rest);
    } catch {
      return;
    }
  }
}

function aligned(length: number): number {
  return Math.ceil(length / 8) * 8;
}

/** The texts and the image, as their lengths say. */
function parts(bytes: Buffer): (Buffer | undefined)[] {
  const lengths = [0, 1, 2, 3, 4, 5].map((i) => bytes.readUInt32LE(DIGEST + 8 + 4 * i));
  let at = HEADER;
  return lengths.map((length, i) => {
    if (i === 5) at = aligned(at);
    const part = bytes.subarray(at, at + length);
    at += length;
    return part;
  });
}

/** FNV-1a of the text in two halves of 32 bits each: a name, not a proof. The file says what it is about. */
function nameOf(text: string): string {
  let [low, high] = [0x811c9dc5, 0x01000193];
  for (let i = 0; i < text.length; i++) {
    low = Math.imul(low ^ text.charCodeAt(i), 0x01000193);
    high = Math.imul(high ^ low, 0x85ebca6b);
  }
  return [low, high].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
}
