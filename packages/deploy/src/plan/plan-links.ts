import { isUnlinked, type Ledger, type LedgerLink, type Observed, type ObservedLink } from '../state';
import { type Change, type LinkChange, type ProgramChange, type Reason, type Switch } from './change';
import { type Desired, type DesiredLink } from './desired';

/** What becomes of the links; each of them follows its program, and what its options name. */
export function planLinks(
  desired: Pick<Desired, 'links'>,
  recorded: Ledger | undefined,
  observed: Observed,
  changes: { readonly programs: readonly ProgramChange[]; readonly maps: readonly Change[] },
): LinkChange[] {
  const keptPrograms = keptNames(changes.programs);
  const keptMaps = keptNames(changes.maps);
  const before = new Map(recorded?.links.map((link) => [link.id, link]));
  const renamed = findRenamed(desired, recorded, observed);
  const links = desired.links.map((link) => {
    const old = before.get(link.id) ?? renamed.get(link.id);
    const { maps, programs } = link.uses;
    const reason: Reason | undefined = maps.some((name) => !keptMaps.has(name))
      ? 'map'
      : programs.some((name) => !keptPrograms.has(name))
        ? 'program'
        : undefined;
    const kept = (link.hook === 'struct_ops' ? keptMaps : keptPrograms).has(link.program);
    return planLink(link, old, observed, { kept, renewed: reason });
  });
  const wanted = new Set(desired.links.map(({ id }) => id));
  const taken = new Set([...renamed.values()].map(({ id }) => id));
  const gone = (recorded?.links ?? [])
    .filter(({ id }) => !wanted.has(id) && !taken.has(id))
    .map(({ id, program, hook, target }): LinkChange => ({
      name: id,
      action: 'remove',
      reasons: ['unused'],
      program,
      hook: hook as LinkChange['hook'],
      target,
      switch: null,
      renamedFrom: null,
    }));
  return [...links, ...gone];
}

function keptNames(changes: readonly Change[]): ReadonlySet<string> {
  // What is in a map may change: it is the same map.
  return new Set(
    changes.filter(({ action }) => action === 'keep' || action === 'update').map(({ name }) => name),
  );
}

/**
 * @param follows `kept`: its program stays as it is; `renewed`: something that its options name does not
 */
function planLink(
  link: DesiredLink,
  before: LedgerLink | undefined,
  observed: Observed,
  { kept, renewed: used }: { readonly kept: boolean; readonly renewed: Reason | undefined },
): LinkChange {
  const { id, program, hook, target } = link;
  const renamed = before !== undefined && before.id !== id;
  const change = (
    action: LinkChange['action'],
    reasons: readonly Reason[],
    how: Switch | null,
  ): LinkChange => ({
    name: id,
    action,
    reasons: renamed && action !== 'create' ? ['renamed', ...reasons] : reasons,
    program,
    hook,
    target,
    switch: how,
    renamedFrom: renamed && action !== 'create' ? before.id : null,
  });
  if (before === undefined) return change('create', ['new'], null);
  const there = observed.links.get(before.id);
  if (there === undefined || there.severed || there.gone !== undefined || !isSameLink(there, before)) {
    return change('create', ['drift'], null);
  }
  if (before.spec !== link.spec) return change('replace', ['target'], howReplaced(link, before));
  if (used !== undefined) return change('replace', [used], howReplaced(link, before));
  const switched = before.program !== program || !kept;
  const foreign = there.programId !== before.programId;
  if (!switched && !foreign) return renamed ? change('update', [], null) : change('keep', [], null);
  const reason = !switched ? 'drift' : hook === 'struct_ops' ? 'map' : 'program';
  return link.updatable
    ? change('update', [reason], 'atomic')
    : change('replace', [reason], howReplaced(link, before));
}

/** Whether what is there is what was recorded: the link, or each of several. */
export function isSameLink(
  there: Pick<ObservedLink, 'kernelId' | 'parts'>,
  { kernelId, parts }: Pick<LedgerLink, 'kernelId' | 'parts'>,
): boolean {
  return there.kernelId === kernelId && (there.parts ?? []).join() === (parts ?? []).join();
}

/** Where a place holds one program alone, the old one has to leave it first, whatever the manifest wishes. */
function howReplaced(link: DesiredLink, before: LedgerLink): Switch {
  const samePlace = link.exclusive !== null && link.exclusive === exclusivePlace(before.entry);
  // What no link holds is put in the place of the old one at once, or made before that goes.
  if (isUnlinked(link.hook)) return samePlace ? 'atomic' : 'overlap';
  return samePlace || link.replace === 'gap' ? 'gap' : 'overlap';
}

/**
 * The place that a link has to itself, if its hook runs one program only: an interface has one XDP program, whatever
 * the mode.
 *
 * Of structs the kernel may have one, such as the scheduler's; of congestion controls it has many. What no link holds
 * goes before the next comes: it has the same name, as a rule.
 *
 * @returns null for hooks that run several
 */
export function exclusivePlace({ hook, netns, options }: LedgerLink['entry']): string | null {
  if (hook === 'struct_ops')
    return options.link && options.struct === 'tcp_congestion_ops' ? null : `struct_ops ${options.struct}`;
  const { interface: name, direction, priority, handle, destination, table, metric } = options;
  if (hook === 'tc') return ['tc', name, netns, direction, priority, handle].join(' ');
  if (hook === 'lwt') return ['lwt', netns, destination, table, metric].join(' ');
  return hook === 'xdp' ? `xdp ${String(options['interface'])} ${netns ?? ''}` : null;
}

/**
 * Links of the generation before that nobody wants any more, by the id of one that is wanted on the same hook in the
 * same way: the manifest gave it another name.
 */
function findRenamed(
  desired: Pick<Desired, 'links'>,
  recorded: Ledger | undefined,
  observed: Observed,
): Map<string, LedgerLink> {
  const known = new Set(recorded?.links.map(({ id }) => id));
  const wanted = new Set(desired.links.map(({ id }) => id));
  const free = (recorded?.links ?? []).filter(({ id }) => !wanted.has(id) && observed.links.has(id));
  const renamed = new Map<string, LedgerLink>();
  for (const link of desired.links) {
    if (known.has(link.id)) continue;
    const same = free.filter(({ hook, spec }) => hook === link.hook && spec === link.spec);
    // Several may be alike (two programs on one hook): the one of the same program goes first.
    const old = same.find(({ program }) => program === link.program) ?? same[0];
    if (old === undefined) continue;
    free.splice(free.indexOf(old), 1);
    renamed.set(link.id, old);
  }
  return renamed;
}
