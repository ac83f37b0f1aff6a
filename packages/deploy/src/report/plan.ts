import pc from 'picocolors';
import { choiceText } from '../manifest';
import {
  driftText,
  mapDifferenceText,
  type BeforeAfter,
  type Foreign,
  type LinkChange,
  type MapChange,
  type Plan,
  type ProgramChange,
  type Switch,
} from '../plan';

const signs: Readonly<Record<string, string>> = {
  create: pc.green('+'),
  adopt: pc.green('+'),
  replace: pc.yellow('~'),
  update: pc.yellow('~'),
  migrate: pc.yellow('~'),
  remove: pc.red('-'),
  refuse: pc.red('!'),
};

const switches: Readonly<Record<Switch, string>> = {
  atomic: 'switched in place, nothing passes in between',
  overlap: 'the new link is made first: both run for a moment',
  gap: 'the old link goes first: what happens in between is not seen',
};

/** A plan as people read it: what changed behind our back, then every change with its reasons, then what it takes. */
export function renderPlan(plan: Plan): string[] {
  return [
    ...block(
      'Changed by others since it was deployed',
      plan.drift.map((each) => `${pc.red('!')} ${driftText(each)}`),
    ),
    ...block(
      "Programs of others at this deployment's hooks",
      plan.foreign.map((each) => `${pc.yellow('!')} ${foreignText(each)}`),
    ),
    ...block(
      'Variants used on this host',
      plan.variants.map((each) => choiceText(each.program, each)),
    ),
    ...block('Changes', [
      ...changed(plan.programs).flatMap(programLines),
      ...changed(plan.maps).flatMap(mapLines),
      ...changed(plan.links).flatMap(linkLines),
    ]),
    ...(plan.empty ? [] : [...closing(plan), '']),
  ];
}

/** `1 to add, 2 to change, 0 to remove`. */
export function planSummary({ programs, maps, links }: Plan): string {
  const actions = [...programs, ...maps, ...links].map(({ action }) => action);
  const count = (...wanted: string[]): number => actions.filter((action) => wanted.includes(action)).length;
  const refused = count('refuse');
  return (
    `${count('create', 'adopt')} to add, ${count('update', 'replace', 'migrate')} to change, ` +
    `${count('remove')} to remove${refused === 0 ? '' : `, ${refused} refused`}`
  );
}

function closing(plan: Plan): string[] {
  return [
    `Plan for ${plan.project}@${plan.environment}: ${planSummary(plan)}; generation ${plan.from} to ${plan.to}`,
    ...(plan.sideBySide
      ? ['Links are switched one after another: until the last one, old and new programs run side by side.']
      : []),
    ...(plan.capabilities.length === 0 ? [] : [`Apply needs ${plan.capabilities.join(', ')}.`]),
  ];
}

function block(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [pc.bold(title), ...lines.map((line) => `  ${line}`), ''];
}

function changed<C extends { readonly action: string }>(changes: readonly C[]): C[] {
  return changes.filter(({ action }) => action !== 'keep');
}

function head(kind: string, { name, action, reasons }: ProgramChange | MapChange | LinkChange): string {
  return `${signs[action] ?? ' '} ${kind} ${name}: ${action} (${reasons.join(', ')})`;
}

function programLines(change: ProgramChange): string[] {
  return [
    head('program', change),
    `    instructions ${counts(change.insns)}, verified ${counts(change.verified)}`,
  ];
}

function counts({ before, after }: BeforeAfter): string {
  return before === null ? String(after ?? '?') : `${before} -> ${after ?? '?'}`;
}

function mapLines(change: MapChange): string[] {
  const { differences, contents, window, problems } = change;
  const lines = [
    ...differences.map(mapDifferenceText),
    ...problems,
    ...(contents === null ? [] : [contentsText(contents)]),
    ...(window === null ? [] : [`window: ${window}`]),
  ];
  return [head('map', change), ...lines.map((line) => `    ${line}`)];
}

function contentsText({ added, changed, removed }: NonNullable<MapChange['contents']>): string {
  return `entries: ${added} added, ${changed} changed, ${removed} removed`;
}

function linkLines(change: LinkChange): string[] {
  const renamed = change.renamedFrom === null ? [] : [`    it was ${change.renamedFrom}`];
  const how = change.switch === null ? [] : [`    ${switches[change.switch]}`];
  return [`${head('link', change)} ${change.program} at ${change.target}`, ...renamed, ...how];
}

function foreignText({ link, target, programId, programName, runs }: Foreign): string {
  const name = programName === null ? `program ${programId}` : `program '${programName}' (id ${programId})`;
  const where = { before: 'runs before', after: 'runs after', beside: 'is where', alone: 'is where' }[runs];
  const what = runs === 'before' || runs === 'after' ? ` link ${link}` : ` link ${link} is to be`;
  return `${target}: ${name} ${where}${what}`;
}
