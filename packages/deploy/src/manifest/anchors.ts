import { type AttachEntry, type ProgramConfig } from './config';
import { namedBy } from './resolve-attach';
import { suggestion } from './suggestion';

/**
 * The attachments that others name as their neighbours must be there, on the same hook, and be able to be attached
 * first: no two may wait for each other.
 */
export function checkAnchors(
  programs: Readonly<Record<string, ProgramConfig>>,
  problem: (program: string, id: string, text: string) => void,
): void {
  const entries = new Map<string, AttachEntry>();
  for (const { attach } of Object.values(programs)) for (const entry of attach) entries.set(entry.id, entry);
  const waitsFor = (entry: AttachEntry, wanted: string, seen = new Set<string>()): boolean =>
    namedBy(entry, 'link').some((id) => {
      if (id === wanted) return true;
      const next = entries.get(id);
      return next !== undefined && !seen.has(id) && waitsFor(next, wanted, seen.add(id));
    });
  for (const [program, { attach }] of Object.entries(programs)) {
    for (const entry of attach) {
      for (const id of namedBy(entry, 'link')) {
        const anchor = entries.get(id);
        if (anchor === undefined) {
          const hint = suggestion(id, [...entries.keys()]);
          problem(program, entry.id, `no attachment of the project has the id '${id}'; ${hint}`);
        } else if (anchor.hook !== entry.hook) {
          problem(program, entry.id, `'${id}' is attached to ${anchor.hook}, not to ${entry.hook}`);
        }
      }
      if (waitsFor(entry, entry.id))
        problem(program, entry.id, 'it is to be attached beside one that waits for it itself');
    }
  }
}
