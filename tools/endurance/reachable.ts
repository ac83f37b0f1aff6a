import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  allIds,
  closeFd,
  linkInfo,
  mapInfo,
  objectGet,
  objectKind,
  programInfo,
  withObject,
} from '../../packages/loader/src/kernel';

/**
 * Programs, maps and links of ours that are in the kernel, and that no pin below a folder leads to: nobody would find
 * them again. The kernel takes its time to free what was let go, so each look has to see it.
 *
 * @param prefix what the names of our programs and maps begin with
 * @returns one line each, sorted
 */
export async function unreachable(folder: string, prefix: string): Promise<string[]> {
  for (let attempt = 0; ; attempt++) {
    const lost = lostNow(folder, prefix);
    if (lost.length === 0 || attempt === 300) return lost;
    await sleep(50);
  }
}

function lostNow(folder: string, prefix: string): string[] {
  const programs = new Set<number>();
  const maps = new Set<number>();
  const links = new Set<number>();
  for (const pin of pinsBelow(folder)) {
    const fd = objectGet(pin, 0);
    if (fd < 0) continue;
    try {
      const kind = objectKind(fd);
      if (kind === 'program') programs.add(programInfo(fd).id);
      else if (kind === 'map') maps.add(mapInfo(fd).id);
      else if (kind === 'link') {
        links.add(linkInfo(fd).id);
        programs.add(linkInfo(fd).programId);
      }
    } finally {
      closeFd(fd);
    }
  }
  for (const id of programs) {
    for (const map of withObject('program', id, programInfo)?.mapIds ?? []) maps.add(map);
  }
  const lost: string[] = [];
  const own = new Set<number>();
  for (const id of allIds('program')) {
    const name = withObject('program', id, programInfo)?.name;
    if (name?.startsWith(prefix) !== true) continue;
    own.add(id);
    if (!programs.has(id)) lost.push(`program ${id} ${name}`);
  }
  for (const id of allIds('map')) {
    const name = withObject('map', id, mapInfo)?.name;
    if (name?.startsWith(prefix) === true && !maps.has(id)) lost.push(`map ${id} ${name}`);
  }
  for (const id of allIds('link')) {
    const program = withObject('link', id, linkInfo)?.programId;
    if (program !== undefined && own.has(program) && !links.has(id)) lost.push(`link ${id}`);
  }
  return lost.sort();
}

function pinsBelow(folder: string): string[] {
  if (!fs.existsSync(folder)) return [];
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const place = path.join(folder, entry.name);
    if (entry.isDirectory()) return pinsBelow(place);
    return entry.isSymbolicLink() ? [] : [place];
  });
}
