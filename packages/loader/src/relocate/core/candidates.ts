import { type Btf, BtfKind, essentialName } from '../../btf';
import { type KernelTypes, moduleTypes, type TargetKernel } from '../target';
import { isEnum } from './compatible';
import { type Candidate } from './match-path';

const ENUMS = [BtfKind.ENUM, BtfKind.ENUM64];

/**
 * The kernel's types that a type of the object may mean: of the same kind, with the same name but for the flavour
 * behind `___`, in the order of ids. Modules are looked at only for what vmlinux does not have. The type must have a
 * name.
 */
export function findCandidates(target: TargetKernel, local: Btf, localId: number): readonly Candidate[] {
  const kind = local.kind(localId);
  const kinds = isEnum(kind) ? ENUMS : [kind];
  const name = essentialName(local.name(localId));
  const found = candidatesIn({ btf: target.btf(), module: undefined }, name, kinds);
  if (found.length > 0) return found;
  return [...moduleTypes(target)].flatMap((module) => candidatesIn(module, name, kinds));
}

function candidatesIn({ btf, module }: KernelTypes, name: string, kinds: readonly BtfKind[]): Candidate[] {
  // Split BTF answers for its base as well, which has been asked already.
  const own = btf.candidates(name, kinds).filter((id) => id >= btf.firstId);
  return own.map((id) => ({ btf, id, module }));
}
