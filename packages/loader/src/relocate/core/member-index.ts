import { type Btf } from '../../btf';
import { BpfError } from '../../errors';
import { MAX_STEPS } from './access-path';
import { isComposite } from './compatible';

/** Where a named member is: in struct or union `typeId` at position `index`, `bitOffset` bits from the outer start. */
export interface IndexedMember {
  readonly typeId: number;
  readonly index: number;
  readonly bitOffset: number;
}

type Members = ReadonlyMap<string, IndexedMember>;

/**
 * Members of the kernel's structs by name, those of anonymous structs and unions inside included, as C sees them.
 * A struct is indexed when it is first asked about: objects ask for many fields of few structs.
 */
export class MemberIndex {
  private readonly structs = new Map<number, Members>();

  constructor(private readonly btf: Btf) {}

  find(structId: number, name: string): IndexedMember | undefined {
    let members = this.structs.get(structId);
    if (members === undefined) {
      members = this.read(structId);
      this.structs.set(structId, members);
    }
    return members.get(name);
  }

  private read(structId: number): Members {
    const members = new Map<string, IndexedMember>();
    this.collect(structId, 0, 0, members);
    return members;
  }

  private collect(typeId: number, start: number, depth: number, into: Map<string, IndexedMember>): void {
    const { btf } = this;
    if (depth > MAX_STEPS) {
      throw new BpfError(
        'CORE_INVALID',
        `${btf.describe(typeId)} has structs nested more than ${MAX_STEPS} deep`,
      );
    }
    const count = btf.vlen(typeId);
    for (let index = 0; index < count; index++) {
      const bitOffset = start + btf.memberBitOffset(typeId, index);
      const name = btf.memberName(typeId, index);
      if (name === '') {
        const inner = btf.resolve(btf.memberType(typeId, index));
        if (isComposite(btf.kind(inner))) this.collect(inner, bitOffset, depth + 1, into);
      } else if (!into.has(name)) {
        into.set(name, { typeId, index, bitOffset });
      }
    }
  }
}
