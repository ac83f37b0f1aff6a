import { readQuickly } from './file-status';
import { kernelIdentity } from './identity';
import { kernelFolder } from './kernel-folder';
import { refuseSharedFolder, writeByRename } from './private-folder';

/** More than all features there are. */
const LIMIT = 65536;

/** What the file of this kernel says, read when a feature is first asked for. */
let remembered: { readonly folder: string; readonly verdicts: Map<string, boolean> } | undefined;

/** What an earlier process found out about a feature of this build of the kernel. */
export function rememberedVerdict(feature: string): boolean | undefined {
  return verdictsKept()?.verdicts.get(feature);
}

/** Keeps a conclusive verdict; that it cannot be written costs another probe in the next process. */
export function rememberVerdict(feature: string, verdict: boolean): void {
  const kept = verdictsKept();
  if (kept === undefined) return;
  kept.verdicts.set(feature, verdict);
  const sorted = [...kept.verdicts].sort(([a], [b]) => (a < b ? -1 : 1));
  try {
    writeByRename(fileIn(kept.folder)!, Buffer.from(JSON.stringify(Object.fromEntries(sorted))));
  } catch {
    return;
  }
}

function verdictsKept(): typeof remembered {
  const folder = kernelFolder();
  if (folder === undefined) return undefined;
  if (remembered?.folder === folder) return remembered;
  const file = fileIn(folder);
  if (file === undefined || refuseSharedFolder(folder) !== undefined) return undefined;
  remembered = { folder, verdicts: parse(readQuickly(file, LIMIT)) };
  return remembered;
}

function fileIn(folder: string): string | undefined {
  const { buildId } = kernelIdentity();
  return buildId && `${folder}/kernel-${buildId}.features`;
}

/** Features by name; what is no such thing counts as nothing. */
function parse(bytes: Buffer | undefined): Map<string, boolean> {
  try {
    const value: unknown = JSON.parse(bytes?.toString() ?? '{}');
    const entries: [string, unknown][] =
      typeof value === 'object' && value !== null ? Object.entries(value) : [];
    return new Map(entries.filter((entry): entry is [string, boolean] => typeof entry[1] === 'boolean'));
  } catch {
    return new Map();
  }
}
