import { agrees } from './compare';
import { newerAgrees } from './explain';
import { type Comparison, type Summary } from './verdict';

/** A line of counts. */
type Counts = ReadonlyMap<string, number>;

/**
 * The comparison as people read it: how many programs, how they compare, why programs are refused, and each
 * disagreement by itself.
 */
export function report(results: readonly Comparison[]): string {
  const disagreements = results.filter(({ agreement }) => !agrees(agreement));
  const judged = results.filter(({ agreement }) => agreement !== 'not judged').length;
  const percent = (others: number) => (judged === 0 ? 0 : (100 * (judged - others)) / judged).toFixed(2);
  const withBoth = disagreements.filter(({ explanation }) => explanation !== newerAgrees);
  const objects = new Set(results.map(({ object }) => object)).size;
  const open = disagreements.filter(({ explanation }) => explanation === undefined);
  return [
    '# Conformance with libbpf',
    '',
    `${objects} objects, ${judged} programs judged: ${percent(disagreements.length)} % agreement, ` +
      `${percent(withBoth.length)} % with one of the two versions of libbpf, ` +
      `${disagreements.length} disagreements, ${open.length} of them not explained.`,
    '',
    ...table(
      'By result',
      countBy(results, ({ agreement }) => agreement),
    ),
    ...table('By folder', countBy(results, folderAndAgreement)),
    ...table(
      'Why both refuse: libbpf | ours',
      countBy(
        results.filter(({ agreement }) => agreement === 'both refuse'),
        bothReasons,
      ),
    ),
    ...table(
      'Why we disagree',
      countBy(disagreements, ({ explanation }) => explanation ?? 'not explained'),
    ),
    '## Disagreements',
    '',
    ...disagreements.sort(byPlace).flatMap(disagreement),
    '',
  ].join('\n');
}

function folderAndAgreement({ object, agreement }: Comparison): string {
  return `${object.slice(0, object.indexOf('/'))}: ${agreement}`;
}

function bothReasons({ first, ours }: Comparison): string {
  return `${refusal(first)} | ${refusal(ours)}`;
}

function refusal({ by, errno }: Summary): string {
  return `${by ?? ''}${errno === undefined ? '' : ` ${errno}`}`;
}

function countBy(results: readonly Comparison[], key: (result: Comparison) => string): Counts {
  const counts = new Map<string, number>();
  for (const result of results) counts.set(key(result), (counts.get(key(result)) ?? 0) + 1);
  return counts;
}

function table(title: string, counts: Counts): string[] {
  const rows = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return [`## ${title}`, '', ...rows.map(([key, count]) => `    ${String(count).padStart(6)}  ${key}`), ''];
}

function byPlace(a: Comparison, b: Comparison): number {
  const [left, right] = [a, b].map(({ object, program }) => `${object} ${program ?? ''}`) as [string, string];
  return left < right ? -1 : Number(left > right);
}

function disagreement({
  object,
  program,
  agreement,
  first,
  second,
  ours,
  differences,
  explanation,
}: Comparison) {
  const said = [
    `libbpf of this system: ${text(first)}`,
    ...(second === undefined ? [] : [`libbpf of Linux 6.12: ${text(second)}`]),
    `ours: ${text(ours)}`,
    ...differences,
    explanation === undefined ? 'not explained' : `explained: ${explanation}`,
  ];
  return [
    `### ${object} ${program ?? '(no program)'}: ${agreement}`,
    '',
    ...said.map((line) => `- ${shortened(line)}`),
    '',
  ];
}

function text(verdict: Summary): string {
  if (verdict.outcome !== 'refused') return verdict.outcome;
  return `refused by ${refusal(verdict)}: ${verdict.reason}`;
}

function shortened(line: string): string {
  const lines = line.split('\n').map((part) => part.trim());
  return lines.join(' / ').slice(0, 1500);
}
