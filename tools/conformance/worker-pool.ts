import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { inParallel } from './execute';
import { type Answer, type Task } from './messages';
import { type Comparison } from './verdict';

/** Compares objects in as many processes as there are CPUs. `done` hears of each result. */
export async function compareAll(tasks: readonly Task[], done: (result: Comparison) => void): Promise<void> {
  const workers = new Workers();
  try {
    await inParallel(tasks, (task) => workers.compare(task, done));
  } finally {
    workers.end();
  }
}

class Workers {
  private readonly idle: ChildProcess[] = [];

  /** Gives an object to a worker; after a program whose time ran out, what is left of it to another worker. */
  async compare(task: Task, done: (result: Comparison) => void): Promise<void> {
    const skip = [...task.skip];
    for (;;) {
      const worker = this.idle.pop() ?? startWorker();
      const stuck = await run(worker, { ...task, skip }, (result) => {
        if (result.program !== undefined) skip.push(result.program);
        done(result);
      });
      if (stuck === undefined) {
        this.idle.push(worker);
        return;
      }
      skip.push(stuck);
      done(notJudged(task, stuck));
    }
  }

  end(): void {
    for (const worker of this.idle) worker.stdin?.end();
  }
}

/** The loader's source runs as it is: see run-source.js. */
function startWorker(): ChildProcess {
  const runSource = path.resolve(__dirname, '../run-source.js');
  return spawn(process.execPath, ['-r', runSource, path.join(__dirname, 'worker.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}

/**
 * Lets a worker compare an object.
 *
 * @returns the program whose time ran out: the worker is gone then; undefined at the object's end
 * @throws Error where the worker ends by itself
 */
function run(
  worker: ChildProcess,
  task: Task,
  done: (result: Comparison) => void,
): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let current = '';
    let timer: NodeJS.Timeout | undefined;
    const lines = createInterface({ input: worker.stdout! });
    const finish = (stuck?: string) => {
      clearTimeout(timer);
      lines.close();
      worker.off('exit', ended);
      resolve(stuck);
    };
    const ended = () => reject(new Error(`the worker ended in ${task.file}, program ${current}`));
    worker.once('exit', ended);
    lines.on('line', (line) => {
      const answer = JSON.parse(line) as Answer;
      if ('end' in answer) return finish();
      if ('result' in answer) return done(answer.result);
      current = answer.begin;
      clearTimeout(timer);
      // Three loaders, each of which has the kernel verify a refused program twice.
      timer = setTimeout(() => {
        worker.off('exit', ended);
        worker.once('exit', () => finish(current));
        worker.kill('SIGKILL');
      }, 4000 * task.seconds);
    });
    worker.stdin?.write(`${JSON.stringify(task)}\n`);
  });
}

function notJudged({ file }: Task, program: string): Comparison {
  const timeout = { outcome: 'timeout' } as const;
  return {
    object: path.join(path.basename(path.dirname(file)), path.basename(file)),
    program,
    agreement: 'not judged',
    first: timeout,
    second: undefined,
    ours: timeout,
    differences: [],
    explanation: undefined,
  };
}
