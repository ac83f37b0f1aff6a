import fs from 'node:fs';
import path from 'node:path';
import { Link, mapInfo } from '@nx-bpf/loader';
import { type ProjectConfig } from '../manifest';
import {
  acquireLock,
  layoutOf,
  linkPin,
  openPinned,
  readLedger,
  removeIfEmpty,
  type Deployment,
  type Layout,
  type Ledger,
} from '../state';
import { deploymentOf } from './deployment';

/**
 * Takes out of the kernel what apply put there for a project and environment, links first, and nothing else: what
 * the ledger names, and the directories that are ours by their place.
 *
 * @returns what was there, undefined if nothing was
 * @throws BpfError LOCK_TIMEOUT, STATE_INVALID
 *
 * @example
 * ```ts
 * const removed = await destroy(config, console.log);
 * console.log(removed === undefined ? 'nothing was deployed' : removed.links);
 * ```
 */
export async function destroy(
  config: ProjectConfig,
  note: (text: string) => void,
): Promise<Deployment | undefined> {
  const layout = layoutOf(config.pin.root, config.project, config.environment);
  if (!fs.existsSync(layout.base)) return undefined;
  const { lock } = await acquireLock(layout.lock, {
    mode: config.pin.mode,
    timeoutMs: config.deploy.lockTimeoutMs,
    onWait: () => note(`waiting for another deploy of ${config.project}/${config.environment} to finish`),
  });
  try {
    const ledger = readLedger(layout.ledger);
    if (ledger !== undefined) removeNamed(layout, ledger);
    removeOwnPlaces(layout);
    return ledger === undefined ? undefined : deploymentOf(layout, ledger);
  } finally {
    lock.close();
  }
}

function removeNamed(layout: Layout, ledger: Ledger): void {
  for (const { id } of ledger.links) {
    const pin = linkPin(layout, id);
    if (!fs.existsSync(pin)) continue;
    // The fd outlives the pin by a moment; closing it detaches, also where somebody else holds no fd of it.
    const link = Link.open(pin);
    fs.rmSync(pin);
    link.close();
  }
  for (const map of ledger.maps) if (map.pin !== undefined && holdsMap(map.pin, map.id)) fs.rmSync(map.pin);
}

/** A pin outside the project's directory may by now hold what somebody else put there. */
function holdsMap(pin: string, id: number): boolean {
  const fd = openPinned(pin, 'map');
  if (fd === undefined) return false;
  try {
    return mapInfo(fd.number).id === id;
  } finally {
    fd.close();
  }
}

/** What lies in the project's own directory is ours; directories above it go if nothing else is in them. */
function removeOwnPlaces(layout: Layout): void {
  for (const place of [layout.ledger, layout.current]) fs.rmSync(place, { force: true });
  for (const place of [layout.links, layout.maps, layout.generations])
    fs.rmSync(place, { recursive: true, force: true });
  for (const place of [layout.lock, layout.base, path.dirname(layout.base), layout.root])
    removeIfEmpty(place);
}
