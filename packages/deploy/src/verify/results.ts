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
    const known = this.known<T>(inputs);
    if (known !== undefined) return known;
    const found = find();
    this.keep(inputs, found);
    return found;
  }

  /** What was found out before for the same inputs. */
  known<T>(inputs: readonly unknown[]): T | undefined {
    if (this.directory === undefined) return undefined;
    try {
      return JSON.parse(fs.readFileSync(fileOf(this.directory, inputs), 'utf8')) as T;
    } catch {
      // Not there, or damaged: it is found out anew.
      return undefined;
    }
  }

  keep(inputs: readonly unknown[], found: unknown): void {
    if (this.directory === undefined) return;
    writeByRename(fileOf(this.directory, inputs), Buffer.from(JSON.stringify(found)));
  }
}

function fileOf(directory: string, inputs: readonly unknown[]): string {
  const text = JSON.stringify(inputs, (_key, each: unknown) =>
    typeof each === 'bigint' ? `${each}n` : each,
  );
  return path.join(directory, `${objectDigest(Buffer.from(text))}.json`);
}
