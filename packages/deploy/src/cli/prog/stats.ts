import {
  allIds,
  closeFd,
  enableRunTimeStats,
  programInfo,
  programTypeName,
  withObject,
} from '@nx-bpf/loader';
import { table } from '../../report';
import { find } from '../find';
import { done, type ObjectOptions } from '../group';
import { Interruptible } from '../interruptible';
import { type Outcome } from '../request';
import { writeOut } from '../stdout';
import { ownersOf, programName } from '../survey';

/** Options of `nx-bpf prog stats`. */
export interface StatsOptions extends ObjectOptions {
  /** Milliseconds. */
  interval: number;
  /** How many intervals; without end, if left out. */
  count?: number;
}

interface Counts {
  readonly name: string;
  readonly type: string;
  readonly runs: bigint;
  readonly time: bigint;
  readonly misses: bigint;
}

/** What a program did in an interval, as `--json` has it. */
interface Activity {
  readonly id: number;
  readonly name: string;
  readonly type: string;
  readonly runs: number;
  /** Mean duration of a run. */
  readonly meanNs: number;
  /** Share of one CPU. */
  readonly cpuPercent: number;
  /** Runs that did not happen because the program was running already. */
  readonly recursionMisses: number;
}

/** `nx-bpf prog stats`: statistics are on for as long as it runs (some 20 ns for each run of a program). */
export async function stats(targets: readonly string[], options: StatsOptions): Promise<Outcome> {
  const ids = targets.map((target) => idOf(target, options));
  const owners = ownersOf('program', options);
  const counting = enableRunTimeStats();
  const interruptible = new Interruptible();
  try {
    let before = look(ids, owners);
    let since = process.hrtime.bigint();
    for (
      let left = options.count ?? Infinity;
      left > 0 && (await interruptible.wait(options.interval));
      left--
    ) {
      const after = look(ids, owners);
      const now = process.hrtime.bigint();
      const seen = activity(before, after, Number(now - since), ids.length > 0);
      [before, since] = [after, now];
      const text = options.json ? JSON.stringify(seen) : `${render(seen).join('\n')}\n`;
      if (!(await writeOut(`${text}\n`))) break;
    }
  } finally {
    interruptible.done();
    closeFd(counting);
  }
  return done;
}

function idOf(target: string, options: ObjectOptions): number {
  const { fd } = find('program', target, options);
  try {
    return programInfo(fd).id;
  } finally {
    closeFd(fd);
  }
}

const names = new Map<number, string>();

function look(ids: readonly number[], owners: ReturnType<typeof ownersOf>): Map<number, Counts> {
  const seen = new Map<number, Counts>();
  for (const id of ids.length > 0 ? ids : allIds('program')) {
    const counts = withObject('program', id, (fd) => {
      const info = programInfo(fd);
      let name = names.get(id);
      if (name === undefined) names.set(id, (name = owners.get(id)?.name ?? programName(fd, info)));
      return {
        name,
        type: programTypeName(info.type),
        runs: info.runCount,
        time: info.runTimeNs,
        misses: info.recursionMisses,
      };
    });
    if (counts !== undefined) seen.set(id, counts);
  }
  return seen;
}

/** @param all those that did not run too */
function activity(
  before: ReadonlyMap<number, Counts>,
  after: ReadonlyMap<number, Counts>,
  elapsedNs: number,
  all: boolean,
): Activity[] {
  return [...after]
    .map(([id, { name, type, ...counts }]) => {
      const earlier = before.get(id);
      const runs = Number(counts.runs - (earlier?.runs ?? 0n));
      const time = Number(counts.time - (earlier?.time ?? 0n));
      return {
        id,
        name,
        type,
        runs,
        meanNs: runs === 0 ? 0 : Math.round(time / runs),
        cpuPercent: Math.round((10_000 * time) / elapsedNs) / 100,
        recursionMisses: Number(counts.misses - (earlier?.misses ?? 0n)),
      };
    })
    .filter(({ runs }) => all || runs > 0)
    .sort((a, b) => b.cpuPercent - a.cpuPercent || a.id - b.id);
}

function render(seen: readonly Activity[]): string[] {
  if (seen.length === 0) return ['no program ran'];
  return table(seen, [
    { title: 'id', of: (a) => a.id },
    { title: 'type', of: (a) => a.type },
    { title: 'name', of: (a) => a.name },
    { title: 'runs', of: (a) => a.runs },
    { title: 'mean ns', of: (a) => a.meanNs },
    { title: 'cpu %', of: (a) => a.cpuPercent },
    { title: 'missed', of: (a) => a.recursionMisses },
  ]);
}
