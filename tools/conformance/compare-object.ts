import path from 'node:path';
import { type ObjectSpec } from '../../packages/loader/src/object';
import { agrees, compare } from './compare';
import { explain } from './explain';
import { type Answer, type Task } from './messages';
import { loadWithOurs, readOurs } from './ours';
import { listPrograms, loadWithLibbpf } from './peer';
import { summary, type Comparison, type Refused, type Verdict } from './verdict';

/** Compares what the loaders make of an object, program by program, and says each result as soon as it is known. */
export function compareObject(task: Task, bpffs: string, say: (answer: Answer) => void): void {
  const object = path.join(path.basename(path.dirname(task.file)), path.basename(task.file));
  const spec = readOurs(task.file);
  for (const program of programNames(task, spec)) {
    if (program !== undefined && task.skip.includes(program)) continue;
    say({ begin: program ?? '' });
    say({ result: { object, program, ...compareProgram(task, spec, program, bpffs) } });
  }
  say({ end: object });
}

/** Every program that one of the loaders sees; undefined stands for an object in which none of them sees any. */
function programNames({ file, oracles }: Task, spec: ObjectSpec | Refused): (string | undefined)[] {
  const theirs = listPrograms(oracles.first, file);
  const names = new Set([
    ...('outcome' in theirs ? [] : theirs),
    ...('outcome' in spec ? [] : spec.programs.map(({ name }) => name)),
  ]);
  return names.size > 0 ? [...names] : [undefined];
}

type Judgement = Omit<Comparison, 'object' | 'program'>;

function compareProgram(
  task: Task,
  spec: ObjectSpec | Refused,
  program: string | undefined,
  bpffs: string,
): Judgement {
  const peer = (oracle: string, file: string) => peerVerdict(oracle, { ...task, file }, program, bpffs);
  const first = peer(task.oracles.first, task.file);
  // We would not wait longer for ours.
  const ours = first.outcome === 'timeout' ? first : ourVerdict(spec, program, path.join(bpffs, 'ours'));
  const { agreement, differences } = compare(first, ours);
  const judgement = { agreement, differences, first: summary(first), ours: summary(ours) };
  if (agrees(agreement)) return { ...judgement, second: undefined, explanation: undefined };

  const second = peer(task.oracles.second, task.file);
  const explanation = explain({
    file: task.file,
    subject: 'outcome' in spec || program === undefined ? undefined : { spec, program },
    first,
    second,
    ours,
    askPeer: (file) => peer(task.oracles.first, file),
  });
  return { ...judgement, second: summary(second), explanation };
}

/** libbpf's verdict on a program, or on an object without programs: whether it is read. */
function peerVerdict(
  oracle: string,
  { file, seconds }: Task,
  program: string | undefined,
  bpffs: string,
): Verdict {
  if (program !== undefined) {
    return loadWithLibbpf({ oracle, file, program, directory: path.join(bpffs, 'peer'), seconds });
  }
  const answer = listPrograms(oracle, file);
  return 'outcome' in answer ? answer : { outcome: 'loaded', held: null };
}

function ourVerdict(spec: ObjectSpec | Refused, program: string | undefined, directory: string): Verdict {
  if ('outcome' in spec) return spec;
  return program === undefined ? { outcome: 'loaded', held: null } : loadWithOurs(spec, program, directory);
}
