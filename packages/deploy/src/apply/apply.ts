import fs from 'node:fs';
import { kernelIdentity, Link, type AttachableProgram } from '@nx-bpf/loader';
import { type RelocationCache } from '../cache';
import { Problems, type AttachEntry, type ProjectConfig } from '../manifest';
import { makePlan, type Desired, type Plan } from '../plan';
import {
  acquireLock,
  createLedgerMap,
  layoutOf,
  linkPin,
  nothingObserved,
  observe,
  openPinned,
  programPin,
  readLedger,
  removeIfEmpty,
  type Deployment,
  type Layout,
  type Ledger,
} from '../state';
import { deploymentOf } from './deployment';
import { desiredState } from './desired';
import {
  commitLedger,
  dropOldGenerations,
  makeDirectories,
  pinGeneration,
  pinMap,
  pointCurrent,
} from './generation';
import { Interruption } from './interruption';
import { newLedger } from './new-ledger';
import { switchLink, type LinkBefore, type LiveLink } from './links';
import { loadPrograms } from './load-programs';
import { requireBpffs } from './bpffs';
import { hasTarget } from './optional';
import { prepareObject, type PreparedObject } from './prepare';
import { refuseMaps } from './refuse-maps';
import { Undo } from './undo';

export interface ApplyInput {
  readonly config: ProjectConfig;
  /** The compiled objects of the manifest. */
  readonly objects: readonly { readonly name: string; readonly file: string }[];
  readonly cache: RelocationCache;
  /** Told what people should know and no error is: a damaged cache entry, an optional target that is missing. */
  readonly note: (text: string) => void;
}

export interface ApplyResult {
  readonly plan: Plan;
  readonly deployment: Deployment;
  /** How the relocation cache answered, by object. */
  readonly cache: Readonly<Record<string, 'hit' | 'miss' | 'off'>>;
}

/**
 * Makes the kernel what the manifest says. Every program passes the verifier before anything live is touched; then
 * links are switched one by one, and the rename of the ledger commits. A failure or a signal on the way undoes all of
 * it. Where everything is as it should be, nothing is changed.
 *
 * @throws BpfError MANIFEST_INVALID, MAP_INCOMPATIBLE, VERIFIER_REJECTED, ATTACH_CONFLICT, ...; ROLLBACK_INCOMPLETE if
 *   undoing failed too
 *
 * @example
 * ```ts
 * const cache = new RelocationCache('cache');
 * const { plan, deployment } = await apply({ config, objects, cache, note: console.log });
 * console.log(plan.empty ? 'nothing to do' : `generation ${plan.to}`, deployment.links);
 * ```
 */
export async function apply(input: ApplyInput): Promise<ApplyResult> {
  const { config } = input;
  requireBpffs(config.pin.root);
  const layout = layoutOf(config.pin.root, config.project, config.environment);
  const { objects, desired } = prepare(input, layout);
  const undo = new Undo();
  return Interruption.guard((interruption) =>
    undo.guard(async () => {
      await lockProject(input, layout, undo);
      const recorded = readLedger(layout.ledger);
      const plan = makePlan(
        desired,
        recorded,
        recorded === undefined ? nothingObserved : observe(layout, recorded),
      );
      for (const drift of plan.drift) input.note(`drift: ${drift}`);
      refuseMaps(plan, desired, recorded);
      const ledger = plan.empty
        ? recorded!
        : await carryOut({ input, layout, objects, desired, recorded, plan, interruption, undo });
      const cache = Object.fromEntries(objects.map((object) => [object.name, object.cache]));
      return { plan, deployment: deploymentOf(layout, ledger), cache };
    }),
  );
}

async function lockProject({ config, note }: ApplyInput, layout: Layout, undo: Undo): Promise<void> {
  const { lock, made } = await acquireLock(layout.lock, {
    mode: config.pin.mode,
    timeoutMs: config.deploy.lockTimeoutMs,
    onWait: () => note(`waiting for another deploy of ${config.project}/${config.environment} to finish`),
  });
  undo.own('lock', lock);
  // Undone while the lock is still held: whoever waits for it notices that its directory is gone.
  for (const directory of made) undo.push(`remove ${directory}`, () => removeIfEmpty(directory));
}

/** Everything that needs neither the lock nor the kernel's state: objects relocated, the manifest held against them. */
function prepare(input: ApplyInput, layout: Layout): { objects: PreparedObject[]; desired: Desired } {
  const problems = new Problems();
  const objects = input.objects.flatMap((object) => {
    const prepared = prepareObject(input.config, object, { cache: input.cache, problems, note: input.note });
    return prepared === undefined ? [] : [prepared];
  });
  // With an object missing, what the manifest says of its maps cannot be judged.
  if (objects.length < input.objects.length) problems.throwIfAny();
  const all = desiredState(input.config, layout, objects, problems);
  problems.throwIfAny();
  const links = all.links.filter((link) => {
    const entry = entryOf(input.config, link.id);
    if (!entry.optional || hasTarget(entry)) return true;
    input.note(`link ${link.id} left out: ${link.target} is not there, and the entry is optional`);
    return false;
  });
  return { objects, desired: { ...all, links } };
}

interface Work {
  readonly input: ApplyInput;
  readonly layout: Layout;
  readonly objects: readonly PreparedObject[];
  readonly desired: Desired;
  readonly recorded: Ledger | undefined;
  readonly plan: Plan;
  readonly interruption: Interruption;
  readonly undo: Undo;
}

async function carryOut(work: Work): Promise<Ledger> {
  const { input, layout, objects, desired, recorded, plan, interruption, undo } = work;
  const { mode } = input.config.pin;

  const live = loadPrograms(
    {
      layout,
      plan,
      recorded,
      objects,
      programOf: (object, entry) =>
        desired.programs.find((p) => p.object === object && p.function === entry)?.name,
    },
    undo,
  );
  await interruption.checkpoint();

  makeDirectories(layout.maps, mode, undo);
  for (const map of desired.maps) {
    const made = live.maps.get(map.name);
    if (map.pin === undefined || made === undefined || !made.fresh) continue;
    const before = openPinned(map.pin, 'map');
    if (before !== undefined) undo.own(`map ${map.name} as it was`, before);
    pinMap(made.fd, map.name, map.pin, before, mode, undo);
  }

  makeDirectories(layout.links, mode, undo);
  const links = new Map<string, LiveLink>();
  for (const change of plan.links) {
    await interruption.checkpoint();
    if (change.action === 'remove') continue;
    const link = desired.links.find((candidate) => candidate.id === change.name)!;
    links.set(
      change.name,
      switchLink(
        {
          layout,
          change,
          entry: entryOf(input.config, change.name),
          programName: link.program,
          program: live.programs.get(link.program)!,
          before: linkBefore(work, change.name),
        },
        undo,
      ),
    );
  }

  const ledger = newLedger({
    desired,
    recorded,
    generation: plan.to,
    kernel: kernelIdentity().buildId ?? '',
    live,
    links,
    entry: (id) => entryOf(input.config, id),
  });
  const ledgerMap = createLedgerMap(ledger);
  undo.own('ledger', ledgerMap);
  pinGeneration(layout, plan.to, live, ledgerMap, mode, undo);
  pointCurrent(layout, plan.to, undo);
  for (const change of plan.links) if (change.action === 'remove') removeLink(layout, change.name, undo);
  commitLedger(layout, ledgerMap, mode);
  undo.commit();

  dropUnused(work);
  dropOldGenerations(layout, plan.to, input.config.deploy.keepGenerations);
  return ledger;
}

/** The link of the generation before, with the program that it ran if that is ours. */
function linkBefore({ layout, plan, recorded, undo }: Work, id: string): LinkBefore | undefined {
  const entry = recorded?.links.find((link) => link.id === id);
  const change = plan.links.find((link) => link.name === id);
  if (entry === undefined || change === undefined || change.action === 'create') return undefined;
  const link = Link.open(linkPin(layout, id));
  undo.own(`link ${id}`, link);
  const fd = openPinned(programPin(layout, plan.from, entry.program), 'program');
  if (fd !== undefined) undo.own(`program ${entry.program} as it was`, fd);
  // Somebody else's program is on it: there is nothing of ours to compare with, or to go back to.
  const ours = fd !== undefined && link.info().programId === entry.programId;
  const live = plan.programs.find((program) => program.name === entry.program);
  const program: AttachableProgram | undefined =
    ours && live !== undefined ? { fd: fd.number, name: entry.program, type: 0 } : undefined;
  return { link, program, entry: entry.entry };
}

/** Takes a link's pin away while an fd still holds it: it is detached when the fd is closed, after the commit. */
function removeLink(layout: Layout, id: string, undo: Undo): void {
  const pin = linkPin(layout, id);
  if (!fs.existsSync(pin)) return;
  const link = Link.open(pin);
  undo.own(`link ${id}`, link);
  fs.rmSync(pin);
  undo.push(`pin link ${id} again`, () => link.pin(pin));
}

/** After the commit: pins of maps that no ledger names any more. */
function dropUnused({ desired, recorded }: Work): void {
  const used = new Set(desired.maps.map((map) => map.pin));
  for (const map of recorded?.maps ?? []) {
    if (map.pin !== undefined && !used.has(map.pin)) fs.rmSync(map.pin, { force: true });
  }
}

function entryOf(config: ProjectConfig, id: string): AttachEntry {
  const entries = Object.values(config.programs).flatMap((program) => program.attach);
  return entries.find((entry) => entry.id === id)!;
}
