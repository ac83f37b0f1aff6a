import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  allIds,
  btfInfo,
  linkInfo,
  mapInfo,
  programInfo,
  withObject,
  type ObjectKind,
} from '../../packages/loader/src/kernel';

/** What there was before a suite: ids of every kind of BPF object, and this process's fds that matter. */
export interface Snapshot {
  readonly ids: Readonly<Record<ObjectKind, ReadonlySet<number>>>;
  readonly fds: ReadonlySet<string>;
  /** The suite's bpffs, and what it held: the kernel puts two iterators of its own into each. */
  readonly bpffs: string;
  readonly pins: ReadonlySet<string>;
}

const kinds: readonly ObjectKind[] = ['link', 'program', 'map', 'btf'];

/** The kernel frees a program's maps after an RCU grace period, from a work queue: seconds on a busy machine. */
const patience = { attempts: 600, interval: 50 };

export function snapshot(bpffs: string): Snapshot {
  return { ids: objectIds(), fds: openFds(), bpffs, pins: pinsIn(bpffs) };
}

/**
 * What a suite left behind, one line each: new fds of this process that hold BPF objects, perf events, namespaces,
 * files or directories; pins in its bpffs; and new ids of programs, maps, links and BTF objects.
 *
 * Ids are those of the whole machine. Other suites can't be in the way ({@link lockMachine}); what another program
 * loaded meanwhile shows in its fds, and is passed over together with what it holds in turn. What is left after
 * some seconds is ours: pinned elsewhere, attached without a link, or held by a map.
 */
export async function leaked(before: Snapshot): Promise<string[]> {
  const fds = [...openFds()].filter((fd) => !before.fds.has(fd));
  const pins = [...pinsIn(before.bpffs)].filter((pin) => !before.pins.has(pin));
  const lines = [...fds.map((fd) => `fd ${fd}`), ...pins.map((pin) => `pin ${pin}`)];
  // Objects behind fds and pins are named by those already.
  if (lines.length > 0) return lines.sort();
  for (let attempt = 0; attempt < patience.attempts; attempt++) {
    if (newObjects(before).length === 0) return [];
    await sleep(patience.interval);
  }
  const foreign = heldByOthers();
  return newObjects(before)
    .filter(({ kind, id }) => !foreign[kind].has(id))
    .map(({ kind, id }) => `${kind} ${id} ${nameOf(kind, id)}`);
}

function pinsIn(bpffs: string): Set<string> {
  const names = readdirSync(bpffs, { recursive: true, encoding: 'utf8' });
  return new Set(names.map((name) => path.join(bpffs, name)));
}

function objectIds(): Record<ObjectKind, Set<number>> {
  return {
    link: new Set(allIds('link')),
    program: new Set(allIds('program')),
    map: new Set(allIds('map')),
    btf: new Set(allIds('btf')),
  };
}

function newObjects(before: Snapshot): { kind: ObjectKind; id: number }[] {
  const now = objectIds();
  return kinds.flatMap((kind) =>
    [...now[kind]].filter((id) => !before.ids[kind].has(id)).map((id) => ({ kind, id })),
  );
}

function nameOf(kind: ObjectKind, id: number): string {
  const names = {
    program: (fd: number) => programInfo(fd).name,
    map: (fd: number) => mapInfo(fd).name,
    link: (fd: number) => linkInfo(fd).typeName,
    btf: (fd: number) => btfInfo(fd).name,
  };
  return withObject(kind, id, names[kind]) ?? '(gone by now)';
}

/**
 * Fds of this process that hold BPF objects, perf events, namespaces, files or directories: number and what. Sockets and
 * pipes are left out, which Node opens and closes for child processes when it likes.
 */
function openFds(): Set<string> {
  const found = new Set<string>();
  for (const fd of readdirSync('/proc/self/fd')) {
    const target = linkTarget(`/proc/self/fd/${fd}`);
    const counts = /^(anon_inode:(bpf|btf|\[perf_event\])|net:|mnt:|cgroup:|\/(?!dev\/))/.test(target);
    // The listing's own fd, which is closed by now, can be seen again under the same number.
    if (counts && !/^\/proc\/\d+\/fd$/.test(target)) found.add(`${fd} ${target}`);
  }
  return found;
}

/** The fd through which the directory was read is gone again. */
function linkTarget(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}

/** Ids in a line of /proc/PID/fdinfo, which the kernel writes for fds of BPF objects. */
const fdinfoLine = /^(prog|map|link|btf)_id:\s*(\d+)$/gm;
const kindOfLine: Readonly<Record<string, ObjectKind>> = {
  prog: 'program',
  map: 'map',
  link: 'link',
  btf: 'btf',
};

/** What the fds of other processes hold, and what those objects hold in turn. */
function heldByOthers(): Record<ObjectKind, Set<number>> {
  const held: Record<ObjectKind, Set<number>> = {
    link: new Set(),
    program: new Set(),
    map: new Set(),
    btf: new Set(),
  };
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    for (const text of fdinfos(pid)) {
      for (const [, kind, id] of text.matchAll(fdinfoLine)) held[kindOfLine[kind!]!].add(Number(id));
    }
  }
  for (const id of held.link) withObject('link', id, (fd) => held.program.add(linkInfo(fd).programId));
  for (const id of held.program) {
    const info = withObject('program', id, programInfo);
    for (const map of info?.mapIds ?? []) held.map.add(map);
    if (info !== undefined) held.btf.add(info.btfId);
  }
  for (const id of held.map) withObject('map', id, (fd) => held.btf.add(mapInfo(fd).btfId));
  return held;
}

/** A process may end while it is looked at. */
function fdinfos(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fdinfo`).map((fd) =>
      readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1'),
    );
  } catch {
    return [];
  }
}
