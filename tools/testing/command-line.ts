import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { type KernelSuite } from './kernel';

const bin = path.resolve(__dirname, '../../packages/deploy/bin/nx-bpf.js');

/** How a command ended. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `nx-bpf` as its users run it: a process of its own, in the suite's directory and mount namespace. */
export class CommandLine {
  constructor(private readonly kernel: KernelSuite) {}

  run(...args: string[]): Ended {
    return this.runAs([], ...args);
  }

  /** @param prefix a command that runs the one behind it, such as `setpriv --reuid 65534` */
  runAs(prefix: readonly string[], ...args: string[]): Ended {
    const [command, ...rest] = [...prefix, process.execPath, bin, ...args];
    return spawnSync(command!, rest, { encoding: 'utf8', ...this.options(), maxBuffer: 1 << 28 });
  }

  /** The JSON that a command prints, which must succeed. */
  json(...args: string[]): unknown {
    const { status, stdout, stderr } = this.run(...args, '--json');
    if (status !== 0) throw new Error(`nx-bpf ${args.join(' ')} ended with ${status}:\n${stderr}`);
    return JSON.parse(stdout);
  }

  /** A command that goes on until it is told to stop. */
  start(...args: string[]): Running {
    return new Running(
      spawn(process.execPath, [bin, ...args], { ...this.options(), stdio: ['ignore', 'pipe', 'pipe'] }),
    );
  }

  private options() {
    return {
      cwd: this.kernel.directory,
      env: { PATH: process.env['PATH'], XDG_CACHE_HOME: path.join(this.kernel.directory, 'xdg') },
    };
  }
}

/** A command that runs: what it printed so far, and its end. */
export class Running {
  stdout = '';
  stderr = '';
  private readonly ended: Promise<number | null>;
  private notify = (): void => undefined;

  constructor(private readonly child: ChildProcess) {
    child.stdout!.setEncoding('utf8').on('data', (text: string) => this.got('stdout', text));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => this.got('stderr', text));
    this.ended = new Promise((resolve) => child.once('close', resolve));
    void this.ended.then(() => this.notify());
  }

  /** Whether it is no more. */
  get over(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Until what it printed matches; an error when it ends before. */
  async until(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<void> {
    while (!pattern.test(this[stream])) {
      if (this.over) {
        throw new Error(`ended before it printed ${pattern}:\n${this.stdout}\n${this.stderr}`);
      }
      await new Promise<void>((resolve) => (this.notify = resolve));
    }
  }

  /** Interrupt it as Ctrl-C does, and wait for its end. */
  async interrupt(): Promise<Ended> {
    this.child.kill('SIGINT');
    return this.end();
  }

  async end(): Promise<Ended> {
    const status = await this.ended;
    return { status, stdout: this.stdout, stderr: this.stderr };
  }

  private got(stream: 'stdout' | 'stderr', text: string): void {
    this[stream] += text;
    this.notify();
  }
}
