import { setTimeout as sleep } from 'node:timers/promises';
import {
  allIds,
  linkInfo,
  mapInfo,
  programInfo,
  withObject,
  type ObjectKind,
} from '../../packages/loader/src/kernel';

/** What the names of programs, and of the objects that maps are called after, begin with in these runs. */
export const ownPrefix = 'nxe';

/** How many objects of each kind. */
export type ObjectCounts = Readonly<Record<ObjectKind, number>>;

/**
 * How many objects in the kernel are of this run: programs and maps by their names, and what these use: links, maps such
 * as cards, BTF. Others may load theirs meanwhile. A ledger is no part of it: what is left of those shows at the end.
 *
 * The kernel frees what is let go after RCU grace periods, from a work queue.
 *
 * @param expected waited for, for some seconds; otherwise until the counts stay the same for a while
 */
export async function ownObjects(expected?: ObjectCounts): Promise<ObjectCounts> {
  let last = '';
  let same = 0;
  for (let attempt = 0; ; attempt++) {
    const counts = countNow();
    const text = JSON.stringify(counts);
    same = text === last ? same + 1 : 0;
    last = text;
    const settled = expected === undefined ? same >= 20 : text === JSON.stringify(expected);
    if (settled || attempt === 200) return counts;
    await sleep(50);
  }
}

function countNow(): ObjectCounts {
  const own = { link: 0, program: new Set<number>(), map: new Set<number>(), btf: new Set<number>() };
  for (const id of allIds('program')) {
    const info = withObject('program', id, programInfo);
    if (info?.name.startsWith(ownPrefix) !== true) continue;
    own.program.add(id);
    own.btf.add(info.btfId);
    for (const map of info.mapIds) own.map.add(map);
  }
  for (const id of allIds('map')) {
    if (withObject('map', id, mapInfo)?.name.startsWith(ownPrefix) === true) own.map.add(id);
  }
  for (const id of own.map) own.btf.add(withObject('map', id, mapInfo)?.btfId ?? 0);
  for (const id of allIds('link')) {
    const program = withObject('link', id, linkInfo)?.programId;
    if (program !== undefined && own.program.has(program)) own.link++;
  }
  own.btf.delete(0);
  return { link: own.link, program: own.program.size, map: own.map.size, btf: own.btf.size };
}
