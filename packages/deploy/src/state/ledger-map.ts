import fs from 'node:fs';
import { BpfError, Fd, openPin } from '@nx-bpf/loader';
import { createFrozenMap, readFrozenMap } from './frozen-map';
import { generationLedger, type Layout } from './layout';
import { decodeLedger, encodeLedger, type Ledger } from './ledger';

/** A ledger as a map, not yet pinned. */
export function createLedgerMap(ledger: Ledger): Fd {
  return createFrozenMap('nxbpf_ledger', encodeLedger(ledger));
}

/**
 * The ledger pinned at a path.
 *
 * @returns undefined if nothing is pinned there
 * @throws BpfError STATE_INVALID if it is something else
 */
export function readLedger(path: string): Ledger | undefined {
  const fd = openPinned(path, 'map');
  if (fd === undefined) return undefined;
  try {
    return decodeLedger(readFrozenMap(fd.number), path);
  } finally {
    fd.close();
  }
}

/**
 * The ledger of a deployment. Where its pin was removed, it is that of the generation to which `current` points: each has
 * a pin of its own, and only a generation that was committed is ever pointed to.
 *
 * @returns undefined if nothing is deployed
 * @throws BpfError STATE_INVALID
 */
export function currentLedger(layout: Layout): Ledger | undefined {
  return readLedger(layout.ledger) ?? pointedLedger(layout);
}

function pointedLedger(layout: Layout): Ledger | undefined {
  const generation = pointedGeneration(layout);
  return generation === undefined ? undefined : readLedger(generationLedger(layout, generation));
}

function pointedGeneration({ current }: Layout): number | undefined {
  try {
    const match = /^gen\/(\d+)$/.exec(fs.readlinkSync(current));
    return match === null ? undefined : Number(match[1]);
  } catch {
    return undefined;
  }
}

/**
 * What is pinned at a path, undefined if nothing is.
 *
 * @throws BpfError PIN_INVALID if it is of another kind
 */
export function openPinned(path: string, kind: 'program' | 'map' | 'link'): Fd | undefined {
  try {
    return new Fd(openPin(path, kind), path);
  } catch (error) {
    if (error instanceof BpfError && error.code === 'PIN_NOT_FOUND') return undefined;
    throw error;
  }
}
