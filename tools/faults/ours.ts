/** What of this machine's BPF objects is of the filters, by its name: others load theirs meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises';
import { allIds, linkInfo, mapInfo, programInfo, withObject } from '../../packages/loader/src/kernel';

/** All programs and maps of the filters begin with it. */
export const ourPrefix = 'fault_';

/** The kernel frees a program's maps after a grace period, from a work queue. */
const patience = { attempts: 200, milliseconds: 25 };

/** Programs, maps and links of the filters that are there, `program 17 fault_guard`. */
export function ours(): string[] {
  const programs = new Map(
    allIds('program').map((id) => [id, withObject('program', id, (fd) => programInfo(fd).name) ?? '']),
  );
  const maps = allIds('map').map(
    (id) => [id, withObject('map', id, (fd) => mapInfo(fd).name) ?? ''] as const,
  );
  const links = allIds('link').map(
    (id) => [id, programs.get(withObject('link', id, (fd) => linkInfo(fd).programId) ?? 0) ?? ''] as const,
  );
  const found = Object.entries({ program: [...programs], map: maps, link: links });
  return found.flatMap(([kind, list]) =>
    list.filter(([, name]) => name.startsWith(ourPrefix)).map(([id, name]) => `${kind} ${id} ${name}`),
  );
}

/** The same, once what is about to be freed is gone. */
export async function oursLeft(): Promise<string[]> {
  for (let attempt = 0; ; attempt++) {
    const left = ours();
    if (left.length === 0 || attempt === patience.attempts) return left;
    await sleep(patience.milliseconds);
  }
}
