import { BpfError } from '../errors';
import { addClsact, Errno, filterParents, ingressQdisc, listFilters, removeClsact } from '../kernel';
import { type AttachableProgram } from './program';
import { tcRefused } from './tc-refused';

/** Makes a clsact if there is none. @returns whether it was made */
export function ensureClsact(
  program: AttachableProgram,
  where: string,
  ifindex: number,
  direction: keyof typeof filterParents,
): boolean {
  const kind = ingressQdisc(ifindex);
  if (kind === 'ingress' && direction === 'egress') {
    throw new BpfError('ATTACH_CONFLICT', `program '${program.name}': attach to ${where}`, {
      program: program.name,
      found: 'a queueing discipline `ingress` in the place of a clsact',
      hint: 'it has no egress: remove it (`tc qdisc del dev ... ingress`), with the filters on it',
    });
  }
  if (kind !== undefined) return false;
  const { error, text } = addClsact(ifindex);
  if (error === -Errno.EEXIST) return false; // somebody was faster
  if (error < 0) throw tcRefused(program, where, error, text);
  return true;
}

/** Our clsact goes when nobody else uses it. A filter that comes between the look and the removal goes with it. */
export function removeIfEmpty(ifindex: number): void {
  const used = Object.values(filterParents).some((parent) => {
    const { filters, others } = listFilters(ifindex, parent);
    return filters.length + others > 0;
  });
  if (!used) removeClsact(ifindex);
}
