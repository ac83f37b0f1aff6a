import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { errnoName } from '../../packages/loader/src/kernel';
import { closeAll, openPins } from '../oracle/handles';
import { held } from './held';
import { type Refused, type Verdict } from './verdict';

type Answer =
  | { readonly program: string }
  | { readonly outcome: 'loaded' }
  | { readonly outcome: 'refused'; readonly phase: string; readonly errno: number };

/** The names of the programs that libbpf finds in an object, or why it does not open it. */
export function listPrograms(oracle: string, file: string): readonly string[] | Refused {
  const { answers, warnings } = ask(oracle, ['list', file]);
  const end = answers.at(-1);
  if (end === undefined || 'program' in end) throw new Error(`${oracle} did not end well:\n${warnings}`);
  if (end.outcome === 'refused') return refusal(end, warnings);
  return answers.flatMap((answer) => ('program' in answer ? [answer.program] : []));
}

export interface Question {
  /** Path of the program that is linked with libbpf. */
  readonly oracle: string;
  readonly file: string;
  readonly program: string;
  /** A path on a bpf file system where nothing is yet. */
  readonly directory: string;
  readonly seconds: number;
}

/**
 * What libbpf makes of one program, and what the kernel then holds. libbpf cannot fill a slot with a program that was
 * switched off: where a program needs such a map, none is.
 */
export function loadWithLibbpf(question: Question): Verdict {
  const verdict = load(question, question.program);
  const needsOthers = verdict.outcome === 'refused' && /failed to initialize slot/.test(verdict.reason);
  return needsOthers ? load(question, '*') : verdict;
}

function load({ oracle, file, program, directory, seconds }: Question, selection: string): Verdict {
  mkdirSync(directory);
  try {
    const { answers, warnings, signal } = ask(oracle, ['load', file, selection, directory, String(seconds)]);
    if (signal === 'SIGALRM') return { outcome: 'timeout' };
    const end = answers.at(-1);
    if (end === undefined || 'program' in end) throw new Error(`${oracle} did not end well:\n${warnings}`);
    if (end.outcome === 'refused') return refusal(end, warnings);
    const handles = {
      programs: openPins(path.join(directory, 'programs')),
      maps: openPins(path.join(directory, 'maps')),
    };
    try {
      return { outcome: 'loaded', held: held(handles, program) };
    } finally {
      closeAll(handles);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function ask(
  oracle: string,
  args: readonly string[],
): { answers: Answer[]; warnings: string; signal: NodeJS.Signals | null } {
  const { stdout, stderr, signal, error } = spawnSync(oracle, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (error !== undefined) throw error;
  const answers = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Answer);
  return { answers, warnings: stderr, signal };
}

function refusal({ phase, errno }: { phase: string; errno: number }, warnings: string): Refused {
  const byVerifier = /BPF program load failed|-- BEGIN PROG LOAD LOG --/.test(warnings);
  return {
    outcome: 'refused',
    by: byVerifier ? 'kernel' : `loader (${phase})`,
    errno: errnoName(errno),
    reason: withoutLog(warnings),
  };
}

/** libbpf's warnings, with the last lines of the verifier's log only. */
function withoutLog(warnings: string): string {
  return warnings
    .trim()
    .replace(/-- BEGIN PROG LOAD LOG --\n([\s\S]*?)\n?-- END PROG LOAD LOG --/g, (_, log: string) =>
      log.split('\n').slice(-6).join('\n'),
    );
}
