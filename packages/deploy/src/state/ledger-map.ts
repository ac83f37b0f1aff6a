import { BpfError, Fd, openPin } from '@nx-bpf/loader';
import { createFrozenMap, readFrozenMap } from './frozen-map';
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
