import fs from 'node:fs';
import path from 'node:path';
import { mapInfo, mapTypeName, missingCapabilities, privileges, programInfo } from '@nx-bpf/loader';
import { type Drift } from '../plan';
import {
  attachPoints,
  frozenDigest,
  isThere,
  openMap,
  openPinned,
  programPin,
  recordedPlaces,
  translatedDigest,
  type Layout,
  type Ledger,
  type LedgerMap,
  type LedgerProgram,
} from '../state';

/** How often a program ran; the kernel counts only while `kernel.bpf_stats_enabled` or somebody's request says so. */
export interface ProgramRuns {
  readonly name: string;
  readonly runs: number;
  readonly nanoseconds: number;
}

export interface Inspection {
  /** What is not as it was committed, besides what is missing or replaced. */
  readonly drift: readonly Drift[];
  /** Programs of others that came behind ours: they change nothing for ours. */
  readonly foreign: readonly string[];
  /** What could not be looked at, and why. */
  readonly unseen: readonly string[];
  readonly runs: readonly ProgramRuns[];
}

/**
 * Holds each program, map and place of a deployment against what was recorded of it: tags, translated instructions,
 * constants, definitions of maps, order among neighbours, `current`. Works from pins alone. Changes nothing.
 */
export function inspect(layout: Layout, ledger: Ledger): Inspection {
  const drift: Drift[] = [];
  const unseen: string[] = [];
  const runs: ProgramRuns[] = [];
  const hidden: string[] = [];
  for (const program of ledger.programs) {
    const fd = openPinned(programPin(layout, ledger.generation, program.name), 'program');
    if (fd === undefined) continue;
    try {
      const info = programInfo(fd.number);
      if (info.id !== program.id) continue;
      runs.push({
        name: program.name,
        runs: Number(info.runCount),
        nanoseconds: Number(info.runTimeNs),
      });
      drift.push(...programDrift(program, info.tag, translatedDigest(fd.number), hidden));
    } finally {
      fd.close();
    }
  }
  if (hidden.length > 0) {
    unseen.push(
      `translated instructions of ${hidden.join(', ')}: the kernel shows them with CAP_PERFMON, unless net.core.bpf_jit_harden is 2`,
    );
  }
  for (const map of ledger.maps) drift.push(...inspectMap(map, unseen));
  const neighbours = lookAround(ledger);
  drift.push(...neighbours.drift);
  if (!isThere(layout.ledger)) {
    drift.push({ kind: 'deployment', name: 'ledger', text: 'its pin is gone' });
  }
  const current = readLink(layout.current);
  if (current !== path.join('gen', String(ledger.generation))) {
    drift.push({ kind: 'deployment', name: 'current', text: `it points to ${current ?? 'nothing'}` });
  }
  if (missingCapabilities(['CAP_SYS_ADMIN'], privileges()).length > 0) {
    unseen.push('maps without a pin, and names of the programs of others: objects by id take CAP_SYS_ADMIN');
  }
  return { drift, foreign: neighbours.foreign, unseen, runs };
}

/**
 * The tag is that of the kernel that loaded it: from SHA-1 up to Linux 6.17, from SHA-256 since. It is compared as
 * recorded, and a ledger does not outlive its kernel, so either is right.
 */
function programDrift(
  recorded: LedgerProgram,
  tag: string,
  translated: string | null,
  hidden: string[],
): Drift[] {
  const found: Drift[] = [];
  const add = (text: string): void => {
    found.push({ kind: 'program', name: recorded.name, text });
  };
  if (tag !== recorded.tag) add(`its tag is ${tag}, not ${recorded.tag}`);
  if (translated === null) hidden.push(recorded.name);
  else if (recorded.translated !== null && translated !== recorded.translated)
    add('its translated instructions are others');
  return found;
}

function inspectMap(recorded: LedgerMap, unseen: string[]): Drift[] {
  if (recorded.pin === undefined && missingCapabilities(['CAP_SYS_ADMIN'], privileges()).length > 0)
    return [];
  const fd = openMap(recorded);
  if (fd === undefined) return [];
  try {
    const info = mapInfo(fd.number);
    if (info.id !== recorded.id) return [];
    const found: Drift[] = [];
    const add = (text: string): void => {
      found.push({ kind: 'map', name: recorded.name, text });
    };
    const numbers = ['keySize', 'valueSize', 'maxEntries', 'flags'] as const;
    for (const key of numbers) {
      if (info[key] !== recorded[key]) add(`its ${key} is ${info[key]}, not ${recorded[key]}`);
    }
    if (mapTypeName(info.type) !== recorded.type) add(`its type is ${mapTypeName(info.type)}`);
    const frozen = frozenDigest(fd.number, info);
    if (recorded.frozen !== null && frozen !== recorded.frozen) add('its constants are others');
    if (recorded.frozen === null && frozen !== null)
      unseen.push(`constants of ${recorded.name}: not recorded`);
    return found;
  } finally {
    fd.close();
  }
}

/**
 * The programs beside ours: that they run in the order of the commit, and that nobody came before ours, who could keep
 * packets from it.
 */
function lookAround(ledger: Ledger): { readonly drift: Drift[]; readonly foreign: string[] } {
  const points = attachPoints(recordedPlaces(ledger));
  const ours = new Set(ledger.programs.map(({ id }) => id));
  const drift: Drift[] = [];
  const foreign: string[] = [];
  for (const { id, programId, neighbours, target } of ledger.links) {
    const now = points.get(id)?.programIds;
    if (neighbours === null || now === undefined || !now.includes(programId)) continue;
    const hook = (text: string): number =>
      drift.push({ kind: 'hook', name: id, text: `${text} at ${target}` });
    const before = neighbours.filter((each) => now.includes(each)).join(' ');
    const still = now.filter((each) => neighbours.includes(each)).join(' ');
    if (before !== still) hook(`the order was ${before}, is ${still}`);
    const own = now.indexOf(programId);
    for (const [at, each] of now.entries()) {
      if (neighbours.includes(each) || ours.has(each)) continue;
      if (at < own) hook(`program id ${each} of somebody else runs before it`);
      else foreign.push(`hook ${id}: program id ${each} of somebody else runs after it at ${target}`);
    }
  }
  return { drift, foreign };
}

function readLink(place: string): string | undefined {
  try {
    return fs.readlinkSync(place);
  } catch {
    return undefined;
  }
}
