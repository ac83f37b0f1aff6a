import fs from 'node:fs';
import path from 'node:path';
import { objectDigest, refuseSharedFolder, writeByRename } from '@nx-bpf/loader';

/** What was found out before, by everything that it depends on. */
export class Results {
  private readonly directory: string | undefined;

  /** @param note told why results are not kept, if they are not */
  constructor(directory: string, note: (text: string) => void) {
    const refused = refuseSharedFolder(directory);
    if (refused !== undefined) note(`results are not kept: ${refused}`);
    this.directory = refused === undefined ? directory : undefined;
  }

  /** The result of `find`, from before if there is one for the same inputs. */
  get<T>(inputs: readonly unknown[], find: () => T): T {
    if (this.directory === undefined) return find();
    const text = JSON.stringify(inputs, (_key, each: unknown) =>
      typeof each === 'bigint' ? `${each}n` : each,
    );
    const file = path.join(this.directory, `${objectDigest(Buffer.from(text))}.json`);
    try {
      return JSON.parse(fs.readFileSync(file, 'utf8')) as T;
    } catch {
      // Not there, or damaged: it is found out anew.
    }
    const found = find();
    writeByRename(file, Buffer.from(JSON.stringify(found)));
    return found;
  }
}
