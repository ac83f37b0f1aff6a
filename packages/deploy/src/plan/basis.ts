import { createHash } from 'node:crypto';
import { BpfError } from '@nx-bpf/loader';
import { noFindings, type MapFindings } from '../maps';
import { type Ledger, type Observed } from '../state';
import { type Plan } from './change';
import { type Desired } from './desired';

/** What a plan was made from, fact by fact: two plans with the same facts are the same. */
export type Basis = Readonly<Record<string, string>>;

/** A plan as a file: to be applied later, if everything is still as it was. */
export interface SavedPlan {
  readonly format: 'nx-bpf/plan';
  readonly plan: Plan;
  readonly basis: Basis;
  /** SHA-256 over the plan and its facts. */
  readonly digest: string;
}

/**
 * The facts behind a plan: what is to be deployed, and what was found on the host.
 *
 * @param host.kernel identity of the kernel
 * @param host.findings what is in its maps
 */
export function basisOf(
  desired: Desired,
  recorded: Ledger | undefined,
  observed: Observed,
  host: { readonly kernel: string; readonly findings?: MapFindings },
): Basis {
  const { kernel, findings = noFindings } = host;
  const facts: [string, string][] = [
    ['kernel', kernel],
    ['generation', String(recorded?.generation ?? 0)],
    ['committed', recorded?.committed ?? 'never'],
    ['manifest', desired.revision],
    ...desired.objects.map(({ name, object, constants }): [string, string] => [
      `object ${name}`,
      `${object} ${constants}`,
    ]),
    ...desired.programs.map(({ name, instructions }): [string, string] => [
      `instructions of program ${name}`,
      instructions,
    ]),
    ...desired.links.map(({ id, program, spec }): [string, string] => [
      `wanted link ${id}`,
      `${program} ${spec}`,
    ]),
    ...named('program', observed.programs, ({ id, tag }) => `id ${id}, tag ${tag}`),
    ...named('map', observed.maps, ({ id }) => `id ${id}`),
    ...named(
      'link',
      observed.links,
      ({ kernelId, programId, severed, parts }) =>
        `id ${parts?.join(' ') ?? kernelId}, program ${programId}${severed ? ', severed' : ''}`,
    ),
    ...named('map at', observed.outside, (id) => `id ${id}`),
    ...named('contents of map', findings.wanted, (digest) => digest),
    ...named(
      'entries of map',
      findings.contents,
      ({ added, changed, removed }) => `${added} to add, ${changed} to change, ${removed} to remove`,
    ),
    ...named('users of map', findings.sharers, (sharers) => sharers.map(({ project }) => project).join(' ')),
    ...named(
      'programs at the hook of link',
      observed.attachPoints,
      ({ programIds }) => programIds.join(' ') || 'none',
    ),
  ];
  return Object.fromEntries(facts.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function named<T>(
  kind: string,
  found: ReadonlyMap<string, T>,
  text: (value: T) => string,
): [string, string][] {
  return [...found].map(([name, value]) => [`${kind} ${name}`, text(value)]);
}

export function savePlan(plan: Plan, basis: Basis): SavedPlan {
  return { format: 'nx-bpf/plan', plan, basis, digest: digestOf(plan, basis) };
}

function digestOf(plan: unknown, basis: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify([plan, basis]))
    .digest('hex');
}

/**
 * A saved plan from the text of its file.
 *
 * @throws BpfError PLAN_INVALID if it is no saved plan, of another version, or was edited
 */
export function readPlan(text: string, file: string): SavedPlan {
  const invalid = (found: string): BpfError =>
    new BpfError('PLAN_INVALID', `${file} cannot be applied`, {
      path: file,
      found,
      expected: 'what plan --out wrote with this version of nx-bpf',
    });
  let saved: Partial<SavedPlan> | null;
  try {
    saved = JSON.parse(text) as Partial<SavedPlan> | null;
  } catch {
    throw invalid('no JSON');
  }
  if (saved?.format !== 'nx-bpf/plan' || !isObject(saved.plan) || !isObject(saved.basis)) {
    throw invalid('no saved plan');
  }
  if (saved.plan.formatVersion !== 1) throw invalid(`format version ${String(saved.plan.formatVersion)}`);
  if (saved.digest !== digestOf(saved.plan, saved.basis)) throw invalid('a plan that was changed since');
  return saved as SavedPlan;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/**
 * Holds a saved plan against what is true now.
 *
 * @throws BpfError PLAN_STALE with every fact that changed
 */
export function checkFresh(saved: SavedPlan, plan: Plan, basis: Basis): void {
  const { project, environment } = saved.plan;
  const keys = [...new Set([...Object.keys(saved.basis), ...Object.keys(basis)])].sort();
  const fact = (facts: Basis, key: string): string | undefined =>
    Object.hasOwn(facts, key) ? facts[key] : undefined;
  const problems =
    project !== plan.project || environment !== plan.environment
      ? [`it is a plan for ${project}@${environment}, not for ${plan.project}@${plan.environment}`]
      : keys
          .filter((key) => fact(saved.basis, key) !== fact(basis, key))
          .map(
            (key) => `${key}: was ${fact(saved.basis, key) ?? 'not there'}, is ${fact(basis, key) ?? 'gone'}`,
          );
  if (problems.length === 0) return;
  throw new BpfError('PLAN_STALE', `the saved plan does not fit any more: ${problems.join('; ')}`, {
    problems,
    hint: 'make a new plan',
  });
}
