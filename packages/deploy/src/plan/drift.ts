import { type Ledger, type LedgerMap, type Observed } from '../state';
import { type Drift } from './change';
import { isSameLink } from './plan-links';

/** What changed behind our back: programs, then maps, then links, each by name. */
export function findDrift(recorded: Ledger | undefined, observed: Observed): Drift[] {
  const found: Drift[] = [];
  const add = (kind: Drift['kind'], name: string, text: string): void => {
    found.push({ kind, name, text });
  };
  for (const program of recorded?.programs ?? []) {
    const there = observed.programs.get(program.name);
    if (there === undefined) add('program', program.name, 'its pin is gone');
    else if (there.id !== program.id)
      add('program', program.name, `another program (id ${there.id}) is pinned in its place`);
  }
  for (const map of recorded?.maps ?? []) {
    const there = observed.maps.get(map.name);
    if (there === undefined) add('map', map.name, missingMap(map));
    else if (there.id !== map.id) add('map', map.name, `another map (id ${there.id}) is pinned in its place`);
  }
  for (const link of recorded?.links ?? []) {
    const there = observed.links.get(link.id);
    if (there === undefined) add('link', link.id, `its pin is gone, so it is detached (${link.target})`);
    else if (there.gone !== undefined && !there.severed)
      add('link', link.id, `it is gone, in its place is ${there.gone} (${link.target})`);
    else if (there.severed) {
      const what = link.hook === 'struct_ops' ? 'it was unregistered' : 'what it was attached to is gone';
      add('link', link.id, `${what} (${link.target})`);
    } else if (there.kernelId !== link.kernelId)
      add('link', link.id, `another link (id ${there.kernelId}) is pinned in its place`);
    else if (!isSameLink(there, link))
      add(
        'link',
        link.id,
        `links of it are missing: ${there.parts?.length ?? 1} of ${link.parts?.length ?? 1} are there`,
      );
    else if (there.programId !== link.programId) {
      const what = link.hook === 'struct_ops' ? 'map' : 'program';
      add('link', link.id, `it runs ${what} id ${there.programId}, not ours (id ${link.programId})`);
    }
  }
  return found;
}

function missingMap({ pin, type }: LedgerMap): string {
  if (type === 'struct_ops') return 'it was unregistered, or its pin is gone';
  return pin === undefined ? 'it is gone' : 'its pin is gone';
}

/** As people read it: `program guard: its pin is gone`. */
export function driftText({ kind, name, text }: Drift): string {
  return `${kind} ${name}: ${text}`;
}
