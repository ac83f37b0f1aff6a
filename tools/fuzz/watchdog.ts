import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import { InputBox } from './box';
import { type Progress } from './engine';
import { type Finding } from './findings';
import { type Target } from './target';
import { type Job, type Message } from './work';

/** An input for which a process needs longer than this, in ms, is one that does not end. */
const patience = 30_000;
/** What a process may hold, in MiB: what it keeps, and twice what the largest input may cost. */
const heap = 256;
/** So often a target goes on after an input that ended its process. */
const mostRestarts = 20;

export interface Limits {
  readonly inputs: number;
  readonly seconds: number;
  readonly seed: number;
}

export interface Outcome {
  readonly target: string;
  readonly progress: Progress;
  readonly findings: readonly Finding[];
  /** The inputs that were kept. */
  readonly corpus: readonly Uint8Array[];
  readonly seconds: number;
}

/**
 * Runs a target in a process of its own. An input that does not end, or takes all memory, ends the process: it is a
 * finding, and the rest goes on in another process.
 */
export async function fuzz(
  target: Target,
  seeds: readonly Uint8Array[],
  limits: Limits,
  note: (text: string) => void,
): Promise<Outcome> {
  const start = performance.now();
  const findings: Finding[] = [];
  const total = nothing(target);
  let corpus: readonly Uint8Array[] = [];
  for (let attempt = 0; attempt <= mostRestarts; attempt++) {
    const seconds = limits.seconds - (performance.now() - start) / 1000;
    const inputs = limits.inputs - total.inputs;
    if (inputs <= 0 || seconds <= 0) break;
    const job = { target: target.name, seed: limits.seed + attempt, seeds, inputs, seconds };
    const part = await once(target, job, (finding) => {
      findings.push(finding);
      note(`${finding.target}: ${finding.kind}: ${finding.key}`);
    });
    add(total, part.progress);
    corpus = part.corpus;
    if (part.done) break;
  }
  return {
    target: target.name,
    progress: total,
    findings,
    corpus,
    seconds: (performance.now() - start) / 1000,
  };
}

function nothing({ rooms }: Target): Progress {
  return { inputs: 0, past: rooms.map(() => 0), corpus: 0, branches: 0, slowest: 0, largest: 0 };
}

function add(total: Progress, part: Progress): void {
  total.inputs += part.inputs;
  part.past.forEach((count, i) => (total.past[i]! += count));
  total.corpus = part.corpus;
  for (const most of ['branches', 'slowest', 'largest'] as const)
    total[most] = Math.max(total[most], part[most]);
}

interface Part {
  readonly progress: Progress;
  readonly corpus: readonly Uint8Array[];
  readonly done: boolean;
}

/** A process that has nothing to do: loading the code takes longer than a short run. */
let idle: ChildProcess | undefined;

function childProcess(): ChildProcess {
  const child =
    idle ??
    fork(path.join(__dirname, 'process.js'), [], {
      serialization: 'advanced',
      execArgv: [`--max-old-space-size=${heap}`],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
  idle = undefined;
  return child;
}

/** Ends the process that waits for the next target. */
export function endIdle(): void {
  idle?.disconnect();
  idle = undefined;
}

function once(target: Target, job: Omit<Job, 'box'>, report: (finding: Finding) => void): Promise<Part> {
  const box = InputBox.make();
  const child = childProcess();
  let last: Part = { progress: nothing(target), corpus: [], done: false };
  let stuck = false;
  let said = '';
  const whenStuck = watchCount(box, () => {
    stuck = true;
    child.kill('SIGKILL');
  });
  return new Promise((resolve, reject) => {
    const hear = (text: Buffer): void => void (said = `${said}${text}`.slice(-4000));
    const finish = (): void => {
      clearInterval(whenStuck);
      child.removeAllListeners();
      child.stderr!.off('data', hear);
      box.remove();
      resolve(last);
    };
    child.stderr!.on('data', hear);
    child.on('message', (message: Message) => {
      if (message.kind === 'finding') return report(message.finding);
      last = message;
      if (!message.done) return;
      idle = child;
      finish();
    });
    child.on('close', (status, signal) => {
      const { input } = box;
      const { name } = target;
      if (stuck)
        report({ target: name, kind: 'hang', key: 'hang', text: `no end after ${patience} ms`, input });
      else if (signal !== null)
        report({ target: name, kind: 'memory', key: 'ended', text: `${signal}\n${said}`, input });
      else reject(new Error(`the process of ${name} ended with status ${status}:\n${said}`));
      finish();
    });
    child.send({ ...job, box: box.file } satisfies Job);
  });
}

/** Calls back when no new input was begun for too long. */
function watchCount(box: InputBox, stuck: () => void): NodeJS.Timeout {
  let count = 0;
  let since = performance.now();
  return setInterval(() => {
    const now = box.count;
    // 0: it is loading code.
    if (now !== count || now === 0) [count, since] = [now, performance.now()];
    else if (performance.now() - since > patience) stuck();
  }, 500);
}
