import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { BpfError, decodeRelocated, encodeRelocated, type RelocatedObject } from '@nx-bpf/loader';
import { refuseSharedFolder, writeByRename } from './private-folder';

const digestBytes = 32;

export interface CacheAnswer {
  readonly relocated: RelocatedObject;
  readonly outcome: 'hit' | 'miss' | 'off';
  /** Why an entry, or the whole cache, was not used. */
  readonly note: string | undefined;
}

/**
 * Relocation output per object: an entry is `SHA-256 of the rest, the encoded relocated object`, named by the digest
 * of its inputs. A hit reads the entry and nothing else: no ELF, no BTF, no kernel types.
 */
export class RelocationCache {
  private readonly folder: string | undefined;
  private readonly refusal: string | undefined;

  /** @param folder where entries are; undefined turns the cache off */
  constructor(folder: string | undefined) {
    this.refusal = folder === undefined ? undefined : refuseSharedFolder(folder);
    this.folder = this.refusal === undefined ? folder : undefined;
  }

  /**
   * The stored output for some inputs, or that of `relocate`, which is then stored.
   *
   * @param key digest of everything the output depends on: `relocationInputsDigest`
   */
  get(key: string, relocate: () => RelocatedObject): CacheAnswer {
    if (this.folder === undefined) {
      const note = this.refusal === undefined ? undefined : `relocation cache not used: ${this.refusal}`;
      return { relocated: relocate(), outcome: 'off', note };
    }
    const file = path.join(this.folder, key);
    const stored = read(file);
    if ('relocated' in stored) return { relocated: stored.relocated, outcome: 'hit', note: undefined };
    const relocated = relocate();
    const payload = encodeRelocated(relocated);
    writeByRename(file, Buffer.concat([createHash('sha256').update(payload).digest(), payload]));
    return { relocated, outcome: 'miss', note: stored.damage };
  }
}

function read(file: string): { relocated: RelocatedObject } | { damage: string | undefined } {
  let entry: Buffer;
  try {
    entry = fs.readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { damage: undefined };
    return {
      damage: `relocation cache entry ${file} cannot be read (${(error as Error).message}): relocated anew`,
    };
  }
  const payload = entry.subarray(digestBytes);
  if (!createHash('sha256').update(payload).digest().equals(entry.subarray(0, digestBytes))) {
    return { damage: `relocation cache entry ${file} is damaged: relocated anew` };
  }
  try {
    return { relocated: decodeRelocated(payload) };
  } catch (error) {
    if (error instanceof BpfError && error.code === 'RELOCATED_MALFORMED') {
      return { damage: `relocation cache entry ${file} is damaged (${error.message}): relocated anew` };
    }
    throw error;
  }
}
