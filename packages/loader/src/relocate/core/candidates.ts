import { type Btf, BtfKind, essentialName } from '../../btf';
import { type KernelTypes, moduleTypes, type TargetKernel } from '../target';
import { isEnum } from './compatible';
import { type Candidate } from './match-path';
import { MemberIndex } from './member-index';

const ENUMS = [BtfKind.ENUM, BtfKind.ENUM64];

/**
 * The kernel's types that an object's types may mean: of the same kind, with the same name but for the flavour
 * behind `___`. Modules are looked at only for what vmlinux does not have.
 */
export class CandidateFinder {
  private readonly members = new Map<Btf, MemberIndex>();

  constructor(private readonly target: TargetKernel) {}

  /** Candidates for one type of the object, vmlinux's first, in the order of ids. The type must have a name. */
  find(local: Btf, localId: number): Candidate[] {
    const kind = local.kind(localId);
    const kinds = isEnum(kind) ? ENUMS : [kind];
    const name = essentialName(local.name(localId));
    const vmlinux: KernelTypes = { btf: this.target.btf(), module: undefined };
    const found = this.in(vmlinux, name, kinds);
    if (found.length > 0) return found;
    return [...moduleTypes(this.target)].flatMap((module) => this.in(module, name, kinds));
  }

  private in({ btf, module }: KernelTypes, name: string, kinds: readonly BtfKind[]): Candidate[] {
    const members = this.membersOf(btf);
    // Split BTF answers for its base as well, which has been asked already.
    const own = btf.candidates(name, kinds).filter((id) => id >= btf.firstId);
    return own.map((id) => ({ btf, id, module, members }));
  }

  private membersOf(btf: Btf): MemberIndex {
    let index = this.members.get(btf);
    if (index === undefined) {
      index = new MemberIndex(btf);
      this.members.set(btf, index);
    }
    return index;
  }
}
