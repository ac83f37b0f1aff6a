import fs from 'node:fs';
import path from 'node:path';
import { fileStatus, refuseSharedFolder, writeByRename } from '@nx-bpf/loader';

/** What asking a clang gave: the first line of its `--version`. It can compile for BPF, or nothing is remembered. */
interface Answer {
  readonly stamp: string;
  readonly identity: string;
}

/**
 * What a clang said before, as long as its file is the same: a build with nothing to do starts no process.
 *
 * @param folder that only this user can write
 * @param program absolute path
 */
export function rememberedIdentity(folder: string, program: string): string | undefined {
  if (fileStatus(folder) === undefined || refuseSharedFolder(folder) !== undefined) return undefined;
  let answer: unknown;
  try {
    answer = JSON.parse(fs.readFileSync(placeOf(folder, program), 'utf8'));
  } catch {
    return undefined;
  }
  const { stamp, identity } = answer as Partial<Record<keyof Answer, unknown>>;
  return typeof identity === 'string' && stamp === stampOf(program) ? identity : undefined;
}

/** Where it cannot be written, clang is asked again next time. */
export function rememberIdentity(folder: string, program: string, identity: string): void {
  if (refuseSharedFolder(folder) !== undefined) return;
  const answer: Answer = { stamp: stampOf(program), identity };
  try {
    writeByRename(placeOf(folder, program), Buffer.from(JSON.stringify(answer)));
  } catch {
    return;
  }
}

function placeOf(folder: string, program: string): string {
  return path.join(folder, `${program.replaceAll('/', '%')}.json`);
}

/** Of the file that a link leads to: an upgrade replaces it. */
function stampOf(program: string): string {
  return `${program} ${fileStatus(program)?.stamp}`;
}
