import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { agrees, compare } from './compare';
import { type Refused, type Verdict } from './verdict';
import { withWeakExterns } from './weak-externs';

/** A disagreement on one program, and how to ask again with one thing changed. */
export interface Disagreement {
  readonly file: string;
  readonly first: Verdict;
  readonly second: Verdict;
  readonly ours: Verdict;
  /** libbpf's verdict on another file. */
  readonly askPeer: (file: string) => Verdict;
  /** Why we refuse the object with all its programs, if we do. */
  readonly refusalOfWhole: () => Refused | undefined;
}

interface Rule {
  /** What the report says where the rule holds. */
  readonly text: string;
  /** Whether both loaders do the same once the rule's one thing is changed: an experiment, not a guess. */
  readonly holds: (disagreement: Disagreement) => boolean;
}

const rules: readonly Rule[] = [
  {
    text: 'libbpf of Linux 6.12 does as we do',
    holds: ({ second, ours }) => same(second, ours),
  },
  {
    text: 'libbpf asks for externs of programs that are not loaded: with those weak, it does as we do',
    holds: ({ first, ours, file, askPeer }) =>
      first.outcome === 'refused' &&
      ours.outcome === 'loaded' &&
      same(askWithWeakExterns(file, askPeer), ours),
  },
  {
    text: 'libbpf refuses the object for an extern that only other programs use: asked for all of them, so do we',
    holds: ({ first, ours, refusalOfWhole }) =>
      first.outcome === 'refused' &&
      /extern/.test(first.reason) &&
      ours.outcome === 'loaded' &&
      refusalOfWhole()?.by === 'loader (EXTERN_UNRESOLVED)',
  },
];

/** Why the loaders disagree, as far as one of the rules shows it. */
export function explain(disagreement: Disagreement): string | undefined {
  return rules.find((rule) => rule.holds(disagreement))?.text;
}

function same(peer: Verdict, ours: Verdict): boolean {
  return agrees(compare(peer, ours).agreement);
}

/** The copy has the file's name, of which names of maps are made. */
function askWithWeakExterns(file: string, ask: (file: string) => Verdict): Verdict {
  const directory = mkdtempSync(path.join(tmpdir(), 'nx-bpf-weak-'));
  try {
    const copy = path.join(directory, path.basename(file));
    writeFileSync(copy, withWeakExterns(readFileSync(file)));
    return ask(copy);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
