import { BpfError } from '../../packages/loader/src/errors';
import { heldBytes, processorTime } from './cost';
import { type Coverage } from './coverage';
import { Draft } from './draft';
import { type Finding, keyOf } from './findings';
import { type Random } from './random';
import { bounds, Broken, type Target } from './target';

/** What a run has done so far. */
export interface Progress {
  inputs: number;
  /** How many inputs got past each of the target's rooms. */
  readonly past: number[];
  /** How many inputs are kept, since they went where none did before. */
  corpus: number;
  branches: number;
  /** The longest that an input took, in ms, and the most that it added to memory, in bytes. */
  slowest: number;
  largest: number;
}

/** Inputs that are longer are run, but not kept: those made of them would be long, too. */
const longestKept = 24_000;

/** Told before each input: what runs when a run does not end. */
export type Watch = (input: Uint8Array) => void;

/** One target, its inputs so far, and how to make more of them. */
export class Engine {
  readonly progress: Progress;
  readonly corpus: Uint8Array[] = [];
  /** How often each was taken to make others of. */
  private readonly taken: number[] = [];
  private readonly draft: Draft;
  private readonly known = new Set<string>();
  private readonly past = (room: number): void => void this.progress.past[room]!++;

  constructor(
    private readonly target: Target,
    private readonly random: Random,
    private readonly coverage: Coverage,
    private readonly report: (finding: Finding) => void,
    private readonly watch: Watch,
  ) {
    const past = target.rooms.map(() => 0);
    this.progress = { inputs: 0, past, corpus: 0, branches: 0, slowest: 0, largest: 0 };
    this.draft = new Draft(random, () => random.pick(this.corpus));
  }

  /** Runs an input as it is, and keeps it. */
  async seed(input: Uint8Array): Promise<void> {
    await this.run(input);
    this.coverage.isNew();
    this.keep(input);
  }

  /** Makes an input of one that there is, and runs it. */
  async step(): Promise<void> {
    const { random, draft } = this;
    // Of two, the one that was taken less often: what is new gets its turn.
    const [a, b] = [random.below(this.corpus.length), random.below(this.corpus.length)];
    const chosen = this.taken[a]! <= this.taken[b]! ? a : b;
    this.taken[chosen]!++;
    draft.start(this.corpus[chosen]!);
    this.target.mutate(draft);
    const input = draft.take();
    // Most targets need no turn of the event loop.
    const running = this.run(input);
    if (running !== undefined) await running;
    if (this.coverage.isNew() && input.length <= longestKept) this.keep(input);
  }

  private keep(input: Uint8Array): void {
    this.corpus.push(input);
    this.taken.push(0);
    this.progress.corpus = this.corpus.length;
  }

  private run(input: Uint8Array): void | Promise<void> {
    this.watch(input);
    this.progress.inputs++;
    this.coverage.reset();
    const memory = heldBytes();
    const start = performance.now();
    let running;
    try {
      running = this.target.run(input, this.past);
    } catch (error) {
      this.judge(input, error);
    }
    if (running !== undefined) return this.wait(running, input, memory, start);
    return this.measure(input, memory, start);
  }

  private async wait(
    running: Promise<void>,
    input: Uint8Array,
    memory: number,
    start: number,
  ): Promise<void> {
    try {
      await running;
    } catch (error) {
      this.judge(input, error);
    }
    await this.measure(input, memory, start);
  }

  private judge(input: Uint8Array, error: unknown): void {
    if (error instanceof BpfError && error.code !== 'INTERNAL') return;
    const kind = error instanceof Broken ? 'broken' : 'escaped';
    this.found(
      kind,
      keyOf(error),
      error instanceof Error ? (error.stack ?? error.message) : String(error),
      input,
    );
  }

  private measure(input: Uint8Array, memory: number, start: number): void | Promise<void> {
    const { progress, target } = this;
    const bytes = heldBytes() - memory;
    const ms = performance.now() - start;
    const most = bounds(target.size?.(input) ?? input.length);
    if (bytes > progress.largest) progress.largest = bytes;
    if (bytes > most.bytes) {
      this.found(
        'memory',
        'memory',
        `${bytes} bytes for an input of ${input.length}, at most ${most.bytes}`,
        input,
      );
    }
    if (ms <= most.ms) {
      if (ms > progress.slowest) progress.slowest = ms;
      return;
    }
    return this.measureAgain(input, most.ms);
  }

  private async measureAgain(input: Uint8Array, most: number): Promise<void> {
    const least = await processorTime(() => {
      this.watch(input);
      return this.target.run(input, () => undefined);
    }, most);
    this.progress.slowest = Math.max(this.progress.slowest, least);
    if (least > most) {
      const text = `${Math.round(least)} ms for an input of ${input.length} bytes, at most ${Math.round(most)}`;
      this.found('slow', 'slow', text, input);
    }
  }

  private found(kind: Finding['kind'], key: string, text: string, input: Uint8Array): void {
    if (this.known.has(key)) return;
    this.known.add(key);
    this.report({ target: this.target.name, kind, key, text, input });
  }
}
