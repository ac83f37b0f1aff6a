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

/** What libbpf makes of one program, and what the kernel then holds. The directory is on a bpf file system, and new. */
export function loadWithLibbpf(
  oracle: string,
  file: string,
  program: string,
  directory: string,
  seconds: number,
): Verdict {
  mkdirSync(directory);
  try {
    const { answers, warnings, signal } = ask(oracle, ['load', file, program, directory, String(seconds)]);
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
