/** Starts processes of `child.ts`, one ahead: most of their time is the start. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { type ChildAnswer, type ChildRequest } from './child';

/** What a child came to; no answer when it was killed. */
export interface Ended {
  readonly signal: string | null;
  readonly answer: ChildAnswer | undefined;
}

export class Children {
  private next: Promise<ChildProcess> | undefined;

  constructor(private readonly request: ChildRequest) {}

  /** One that is ready. */
  async take(): Promise<ChildProcess> {
    const child = await (this.next ?? this.start());
    this.next = this.start();
    return child;
  }

  /** Lets it run. @param last the number of the call before which it is killed */
  async run(child: ChildProcess, last: number): Promise<Ended> {
    let text = '';
    child.stdout!.on('data', (data: Buffer) => (text += data.toString()));
    const closed = once(child, 'close') as Promise<[number | null, string | null]>;
    child.stdin!.end(`${last}\n`);
    const [, signal] = await closed;
    return { signal, answer: text === '' ? undefined : (JSON.parse(text) as ChildAnswer) };
  }

  /** Ends the one that was started ahead. */
  async close(): Promise<void> {
    const child = await this.next;
    this.next = undefined;
    if (child === undefined) return;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  }

  private async start(): Promise<ChildProcess> {
    const child = spawn(
      process.execPath,
      ['-r', './tools/run-source.js', 'tools/faults/child.ts', JSON.stringify(this.request)],
      { cwd: path.resolve(__dirname, '../..'), stdio: ['pipe', 'pipe', 'inherit'] },
    );
    await once(child.stdout!, 'data');
    return child;
  }
}
