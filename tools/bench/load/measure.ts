import { spawnSync } from 'node:child_process';
import { median } from '../table';

/** What one process of either side printed. */
export interface Trial {
  /** Microseconds of a round: the median of those measured. */
  readonly total: number;
  /** KiB, the most that the process had. */
  readonly memory: number;
}

/** Two trials, one right after the other. */
export interface Pair {
  readonly peer: Trial;
  readonly ours: Trial;
}

/** Medians of pairs. */
export interface Summary {
  /** Of the ratios ours / peer of the pairs. */
  readonly ratio: number;
  /** Microseconds. */
  readonly peer: number;
  readonly ours: number;
  readonly pairs: number;
}

/** Runs a program that prints lines of JSON as `peer.c` does. */
export function trial(file: string, args: readonly string[], env: NodeJS.ProcessEnv): Trial {
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', env, maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`${file} ${args.slice(0, 5).join(' ')}: ${stderr}`);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { total?: number; memory?: number });
  return {
    total: median(lines.flatMap(({ total }) => (total === undefined ? [] : [total]))),
    memory: lines.at(-1)!.memory!,
  };
}

/** Each side first in every other pair, so that neither always runs on what the other left behind. */
export function inTurns(pairs: number, peer: () => Trial, ours: () => Trial): Pair[] {
  return Array.from({ length: pairs }, (_, i) => {
    if (i % 2 === 0) {
      const first = peer();
      return { peer: first, ours: ours() };
    }
    const first = ours();
    return { peer: peer(), ours: first };
  });
}

export function summary(pairs: readonly Pair[]): Summary {
  return {
    ratio: median(pairs.map(({ peer, ours }) => ours.total / peer.total)),
    peer: median(pairs.map(({ peer }) => peer.total)),
    ours: median(pairs.map(({ ours }) => ours.total)),
    pairs: pairs.length,
  };
}
