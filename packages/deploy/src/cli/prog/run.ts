import fs from 'node:fs';
import {
  BpfError,
  Btf,
  BtfKind,
  encodeValue,
  kernelBtfBytes,
  Program,
  ProgramType,
  programTypeName,
} from '@nx-bpf/loader';
import { hexText } from '../../report';
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

/** The struct that a program of a type gets, where user space can give one to a test run. */
const contexts: Readonly<Record<number, string>> = {
  [ProgramType.xdp]: 'xdp_md',
  [ProgramType.sched_cls]: '__sk_buff',
  [ProgramType.sched_act]: '__sk_buff',
  [ProgramType.cgroup_skb]: '__sk_buff',
  [ProgramType.socket_filter]: '__sk_buff',
  [ProgramType.lwt_in]: '__sk_buff',
  [ProgramType.lwt_out]: '__sk_buff',
  [ProgramType.lwt_xmit]: '__sk_buff',
  [ProgramType.sk_lookup]: 'bpf_sk_lookup',
};

/** A frame for programs that need one, when none is given. */
const emptyFrame = 64;

/** `nx-bpf prog run` */
export function run(target: string, options: RunOptions): Outcome {
  const { fd, name } = find('program', target, options);
  const program = new Program(fd, { name });
  try {
    const context = contexts[program.type];
    const packet = context !== undefined && context !== 'bpf_sk_lookup';
    const data =
      options.data === undefined
        ? packet
          ? new Uint8Array(emptyFrame)
          : undefined
        : bytes('--data', options.data);
    const outcome = program.testRun({
      data,
      context: contextOf(program, options.context),
      // Raw tracepoints and syscall programs refuse a repeat, even of one.
      repeat: options.repeat === 1 ? undefined : options.repeat,
    });
    if (options.dataOut !== undefined) writeFile(options.dataOut, outcome.data);
    const result = {
      returnValue: outcome.returnValue,
      action: program.type === ProgramType.xdp ? (xdpActions[outcome.returnValue] ?? null) : null,
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

/** `enum xdp_action` of include/uapi/linux/bpf.h. */
const xdpActions = ['XDP_ABORTED', 'XDP_DROP', 'XDP_PASS', 'XDP_TX', 'XDP_REDIRECT'];

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

function contextOf(program: Program, text: string | undefined): Uint8Array | bigint[] | undefined {
  if (text === undefined) return undefined;
  if (text.startsWith('[')) return argumentsOf(text);
  if (!text.startsWith('{')) return bytes('--context', text);
  const name = contexts[program.type];
  const btf = Btf.parse(kernelBtfBytes(), { trusted: true });
  const id = name === undefined ? 0 : btf.find(name, BtfKind.STRUCT);
  if (id === 0) {
    throw new BpfError(
      'USAGE',
      `--context: programs of type ${programTypeName(program.type)} take no struct by fields`,
      {
        program: program.name,
        hint: 'give it as hex digits or @FILE',
      },
    );
  }
  const into = new Uint8Array(btf.byteSize(id));
  encodeValue(btf, id, json(text), into, 0, { name });
  return into;
}

function argumentsOf(text: string): bigint[] {
  const list = json(text);
  if (!Array.isArray(list)) throw new BpfError('USAGE', '--context', { expected: 'a list of integers' });
  return list.map((value) => {
    try {
      return BigInt(value as string | number);
    } catch {
      throw new BpfError('USAGE', '--context', { found: JSON.stringify(value), expected: 'integers' });
    }
  });
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
