import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ObjectSpec } from '../../packages/loader/src/object';
import { agrees, compare } from './compare';
import { type Verdict } from './verdict';
import { withoutOthers } from './without-others';

/** A disagreement on one program, and how to ask again with one thing changed. */
export interface Disagreement {
  readonly file: string;
  /** The object as we read it, and the program; undefined where it is about the whole object. */
  readonly subject: { readonly spec: ObjectSpec; readonly program: string } | undefined;
  readonly first: Verdict;
  readonly second: Verdict;
  readonly ours: Verdict;
  /** libbpf's verdict on another file. */
  readonly askPeer: (file: string) => Verdict;
}

interface Rule {
  /** What the report says where the rule holds. */
  readonly text: string;
  /** Whether both loaders do the same once the rule's one thing is changed: an experiment, not a guess. */
  readonly holds: (disagreement: Disagreement) => boolean;
}

/** The disagreement is one with an older libbpf. */
export const newerAgrees = 'libbpf of Linux 6.12 does as we do';

const rules: readonly Rule[] = [
  {
    text: newerAgrees,
    holds: ({ second, ours }) => same(second, ours),
  },
  {
    text: 'libbpf looks for the externs of all programs: without what only the others need, it does as we do',
    holds: ({ first, ours, file, subject, askPeer }) =>
      first.outcome === 'refused' &&
      ours.outcome === 'loaded' &&
      subject !== undefined &&
      same(askWithoutOthers(file, subject, askPeer), ours),
  },
];

/** Why the loaders disagree, as far as one of the rules shows it. */
export function explain(disagreement: Disagreement): string | undefined {
  return rules.find((rule) => rule.holds(disagreement))?.text;
}

function same(peer: Verdict, ours: Verdict): boolean {
  return agrees(compare(peer, ours).agreement);
}

/** Has libbpf load the program alone. The copy has the file's name, of which names of maps are made. */
function askWithoutOthers(
  file: string,
  { spec, program }: NonNullable<Disagreement['subject']>,
  ask: Disagreement['askPeer'],
): Verdict {
  const directory = mkdtempSync(path.join(tmpdir(), 'nx-bpf-without-'));
  try {
    const copy = path.join(directory, path.basename(file));
    writeFileSync(copy, withoutOthers(readFileSync(file), spec, program));
    return ask(copy);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
