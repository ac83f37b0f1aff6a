import pc from 'picocolors';
import { type Step } from '../toolchain';
import { type Surroundings } from './surroundings';

/** What is over sooner is not worth a line. */
const patience = 300;
/** Milliseconds from one drawing to the next: for people, and for terminals at the end of a slow connection. */
const pause = 100;
/** Carriage return, and `EL` of ECMA-48: erase to the end of the line. */
const erase = '\r\x1b[K';

/** What is asked of a stream that a line is drawn on. */
export type Terminal = Pick<NodeJS.WriteStream, 'isTTY' | 'columns'> & { write(text: string): unknown };

/**
 * Whether somebody looks at a terminal that can take back what it shows. In CI, in a pipe and in a task of Nx, whose
 * output is kept and shown again, a line that is drawn over itself would be rubbish.
 */
export function isWatched(
  { isTTY }: Pick<Terminal, 'isTTY'>,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  const { CI = '', TERM, NX_TASK_TARGET_PROJECT: task } = environment;
  return isTTY === true && (CI === '' || CI === 'false') && TERM !== 'dumb' && task === undefined;
}

/**
 * One line that says where long work is, drawn over itself and gone at the end. Work that holds the event loop is shown
 * as it comes to its next part; what waits for others is shown with the seconds it takes.
 *
 * @example
 * ```ts
 * const line = new StatusLine(process.stderr);
 * line.show({ what: 'compiling', name: 'edge', number: 3, of: 12 }); // compiling 3 of 12: edge
 * line.end();
 * ```
 */
export class StatusLine {
  private readonly started = performance.now();
  private timer: NodeJS.Timeout | undefined;
  private step: Step | undefined;
  private since = this.started;
  private drawn: number | undefined;

  constructor(private readonly terminal: Terminal) {}

  readonly show = (step: Step): void => {
    if (step.what !== this.step?.what) this.since = performance.now();
    this.step = step;
    this.timer ??= setInterval(() => this.draw(), 1000).unref();
    this.draw();
  };

  /** Makes room for other text; the next step draws it again. */
  clear(): void {
    if (this.drawn !== undefined) this.terminal.write(erase);
    this.drawn = undefined;
  }

  end(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.step = undefined;
    this.clear();
  }

  private draw(): void {
    const now = performance.now();
    if (this.step === undefined || now - this.started < patience) return;
    if (this.drawn !== undefined && now - this.drawn < pause) return;
    this.drawn = now;
    const { what, name, number, of } = this.step;
    const seconds = Math.floor((now - this.since) / 1000);
    const text = `${what} ${number} of ${of}: ${name}${seconds === 0 ? '' : ` (${seconds} s)`}`;
    // A terminal without a size says 0. A line that wraps could not be taken back.
    const width = (this.terminal.columns || 80) - 1;
    this.terminal.write(`${erase}${pc.dim(text.slice(0, width))}`);
  }
}

/** Surroundings whose text makes the line go first. */
export function around(line: StatusLine, surroundings: Surroundings): Surroundings {
  return {
    ...surroundings,
    write(stream, text) {
      line.clear();
      surroundings.write(stream, text);
    },
  };
}
