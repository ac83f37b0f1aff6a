import { createHash } from 'node:crypto';
import fs from 'node:fs';

/** SHA-256 of files, in hex; each file is read once, since the objects of a project share most headers. */
export class FileDigests {
  private readonly known = new Map<string, string | undefined>();

  /** undefined if the file cannot be read. */
  of(file: string): string | undefined {
    if (!this.known.has(file)) this.known.set(file, read(file));
    return this.known.get(file);
  }
}

function read(file: string): string | undefined {
  try {
    return sha256(fs.readFileSync(file));
  } catch {
    return undefined;
  }
}

export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
