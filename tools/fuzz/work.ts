import { InputBox } from './box';
import { Coverage } from './coverage';
import { Engine, type Progress } from './engine';
import { type Finding } from './findings';
import { Random } from './random';
import { targetNamed } from './targets';

/** What a process is told to do. */
export interface Job {
  readonly target: string;
  readonly seed: number;
  readonly seeds: readonly Uint8Array[];
  /** The run ends after so many inputs, or so many seconds. */
  readonly inputs: number;
  readonly seconds: number;
  /** Path of the box that gets each input: see box.ts. */
  readonly box: string;
}

/** What it says meanwhile. */
export type Message =
  | { readonly kind: 'finding'; readonly finding: Finding }
  | {
      readonly kind: 'progress';
      readonly progress: Progress;
      readonly done: boolean;
      readonly corpus: readonly Uint8Array[];
    };

/** Inputs between two looks at the clock. */
const batch = 64;
/** Between two messages, in ms. */
const pause = 2000;

export async function work(job: Job, countersUsed: () => number): Promise<void> {
  const say = (message: Message): void => void process.send!(message);
  const target = targetNamed(job.target);
  const box = InputBox.open(job.box);
  const watch = (input: Uint8Array): void => box.put(input);
  // What a first run loads has counters, too.
  for (const input of job.seeds) {
    try {
      watch(input);
      await target.run(input, () => undefined);
    } catch {
      // Said when it is run as a seed.
    }
  }
  const coverage = new Coverage(countersUsed());
  const random = new Random(job.seed);
  const engine = new Engine(target, random, coverage, (finding) => say({ kind: 'finding', finding }), watch);
  for (const input of job.seeds) await engine.seed(input);
  const end = performance.now() + 1000 * job.seconds;
  let said = performance.now();
  for (let i = engine.progress.inputs; i < job.inputs && performance.now() < end;) {
    for (const last = Math.min(i + batch, job.inputs); i < last; i++) await engine.step();
    if (performance.now() - said > pause) tell(false);
  }
  box.close();
  tell(true);

  function tell(done: boolean): void {
    said = performance.now();
    engine.progress.branches = coverage.branches;
    say({ kind: 'progress', progress: engine.progress, done, corpus: done ? engine.corpus : [] });
  }
}
