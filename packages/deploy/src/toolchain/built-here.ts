import fs from 'node:fs';
import path from 'node:path';
import { writeAtomically } from './atomic-file';
import { type BuildRecord } from './build-record';
import { sha256 } from './file-digests';

/** Of an object that are remembered: edits that are taken back, and environments. */
const most = 64;

/**
 * What this workspace compiled itself. An object and its record may also be restored from a cache that others write
 * (Nx's remote one): the two then agree, and that says nothing. This memory is in no cache that is shared.
 *
 * @example
 * ```ts
 * const built = new BuiltHere('/ws/.nx-bpf/cache/built');
 * built.add('edge', record);
 * built.has('edge', record); // true
 * ```
 */
export class BuiltHere {
  /** @param directory absolute; made when it is needed */
  constructor(private readonly directory: string) {}

  has(name: string, record: BuildRecord): boolean {
    return this.read(name).includes(digestOf(record));
  }

  /** Where it cannot be written the object is compiled again the next time. */
  add(name: string, record: BuildRecord): void {
    const digest = digestOf(record);
    const others = this.read(name).filter((line) => line !== digest);
    try {
      fs.mkdirSync(this.directory, { recursive: true });
      writeAtomically(this.file(name), `${[digest, ...others].slice(0, most).join('\n')}\n`);
    } catch {
      // As said.
    }
  }

  private read(name: string): string[] {
    try {
      return fs.readFileSync(this.file(name), 'utf8').split('\n').filter(Boolean);
    } catch {
      return [];
    }
  }

  private file(name: string): string {
    return path.join(this.directory, sha256(name));
  }
}

/** Of all that decides what an object is, and of what it is. */
function digestOf({ key, inputs, object }: BuildRecord): string {
  const sorted = Object.entries(inputs).sort(([a], [b]) => (a < b ? -1 : 1));
  return sha256(JSON.stringify([key, sorted, object]));
}
