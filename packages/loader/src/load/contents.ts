import { mapFreeze, mapLookup, mapUpdate, type Fd } from '../kernel';
import { type MapSpec } from '../object';

const firstKey = new Uint8Array(4);

/**
 * Put the initial contents of a data section into its new map, and freeze what is constant: the verifier takes the
 * values of a frozen map as known, and drops the branches that they rule out.
 *
 * @throws BpfError SYSCALL_FAILED
 */
export function fillMap(spec: MapSpec, fd: Fd): void {
  // Writing the value of a struct_ops registers it: that is attaching. An arena is written as memory.
  if (spec.structOps !== undefined || spec.origin === 'arena') return;
  if (spec.data !== undefined) mapUpdate(fd.number, firstKey, spec.data);
  if (spec.frozen) mapFreeze(fd.number);
}

/**
 * Whether a map that exists holds the constants of a definition. Only frozen sections are compared: the others change
 * while programs run.
 */
export function hasConstants(spec: MapSpec, fd: Fd): boolean {
  if (!spec.frozen) return true;
  const value = new Uint8Array(spec.valueSize);
  mapLookup(fd.number, firstKey, value);
  return Buffer.compare(value, spec.data ?? new Uint8Array(spec.valueSize)) === 0;
}
