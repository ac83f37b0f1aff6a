import fs from 'node:fs';
import { BpfError, Program, ProgramType } from '@nx-bpf/loader';
import { hexText } from '../../report';
import { contextOf, returnNameOf, runnableAs } from '../../verify';
import { find } from '../find';
import { done, type ObjectOptions } from '../group';
import { type Outcome } from '../request';

/** Options of `nx-bpf prog run`. */
export interface RunOptions extends ObjectOptions {
  data?: string;
  context?: string;
  repeat: number;
  dataOut?: string;
}

/** A frame for programs that need one, when none is given. */
const emptyFrame = 64;

/** `nx-bpf prog run` */
export function run(target: string, options: RunOptions): Outcome {
  const { fd, name } = find('program', target, options);
  const program = new Program(fd, { name });
  try {
    const runnable = runnableAs(program.type);
    const packet = runnable?.packet === true;
    const data =
      options.data === undefined
        ? packet
          ? new Uint8Array(emptyFrame)
          : undefined
        : bytes('--data', options.data);
    const outcome = program.testRun({
      data,
      context: context(program, options.context),
      // Raw tracepoints and syscall programs refuse a repeat, even of one.
      repeat: options.repeat === 1 ? undefined : options.repeat,
    });
    if (options.dataOut !== undefined) writeFile(options.dataOut, outcome.data);
    const result = {
      returnValue: outcome.returnValue,
      action:
        program.type === ProgramType.xdp
          ? (returnNameOf(runnableAs(program.type)!, outcome.returnValue) ?? null)
          : null,
      durationNs: outcome.durationNs,
      repeat: options.repeat,
      data: hexText(outcome.data),
      context: hexText(outcome.context),
    };
    process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : `${render(result).join('\n')}\n`);
    return { ...done, result };
  } finally {
    program.close();
  }
}

function render(result: {
  returnValue: number;
  action: string | null;
  durationNs: number;
  repeat: number;
  data: string;
}): string[] {
  const times = result.repeat === 1 ? 'one run' : `mean of ${result.repeat} runs`;
  return [
    `returned ${result.returnValue}${result.action === null ? '' : ` (${result.action})`}`,
    `took ${result.durationNs} ns (${times})`,
    ...(result.data === ''
      ? []
      : ['data as it left it:', ...(result.data.match(/.{1,48}/g) ?? []).map((line) => `  ${line.trim()}`)]),
  ];
}

function context(program: Program, text: string | undefined): Uint8Array | bigint[] | undefined {
  if (text === undefined) return undefined;
  if (!text.startsWith('[') && !text.startsWith('{')) return bytes('--context', text);
  return contextOf(json(text) as Record<string, unknown>, runnableAs(program.type), '--context');
}

function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new BpfError('USAGE', '--context', { expected: `JSON (${(error as Error).message})` });
  }
}

/** Hex digits with blanks or colons where one likes, or a file's bytes. */
function bytes(option: string, text: string): Uint8Array {
  if (text.startsWith('@')) {
    try {
      return new Uint8Array(fs.readFileSync(text.slice(1)));
    } catch (error) {
      throw new BpfError(
        'FILE',
        `${option}: ${text.slice(1)} cannot be read`,
        { path: text.slice(1) },
        error,
      );
    }
  }
  const digits = text.replace(/^hex:|[\s:]/g, '');
  if (!/^([0-9a-fA-F]{2})*$/.test(digits)) {
    throw new BpfError('USAGE', option, { found: `'${text}'`, expected: 'pairs of hex digits, or @FILE' });
  }
  return new Uint8Array(Buffer.from(digits, 'hex'));
}

function writeFile(file: string, contents: Uint8Array): void {
  try {
    fs.writeFileSync(file, contents);
  } catch (error) {
    throw new BpfError('FILE', `--data-out: ${file} cannot be written`, { path: file }, error);
  }
}
