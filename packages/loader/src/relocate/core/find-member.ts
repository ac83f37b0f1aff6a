import { type Btf } from '../../btf';
import { BpfError } from '../../errors';
import { MAX_STEPS } from './access-path';
import { isComposite } from './compatible';

/** Where a named member is: in struct or union `typeId` at position `index`, `bitOffset` bits from the outer start. */
export interface FoundMember {
  readonly typeId: number;
  readonly index: number;
  readonly bitOffset: number;
}

/** Words of `struct btf_type`, and of each `struct btf_member` behind it. */
const HEADER_WORDS = 3;
const MEMBER_WORDS = 3;

const encoder = new TextEncoder();

/**
 * Finds a member by name as C does: those of anonymous structs and unions belong to the struct around them. Names are
 * compared as bytes where they lie, since a kernel's structs have hundreds of members and objects ask for few.
 */
export function findMember(btf: Btf, structId: number, name: string): FoundMember | undefined {
  return search(btf, structId, encoder.encode(name), 0, 0);
}

function search(
  btf: Btf,
  typeId: number,
  name: Uint8Array,
  start: number,
  depth: number,
): FoundMember | undefined {
  if (depth > MAX_STEPS) {
    throw new BpfError(
      'CORE_INVALID',
      `${btf.describe(typeId)} is in structs nested more than ${MAX_STEPS} deep`,
    );
  }
  const count = btf.vlen(typeId);
  // The words themselves: this runs in an interpreter over all members of the kernel's largest structs.
  const { words, at } = btf.record(typeId);
  for (let index = 0, member = at + HEADER_WORDS; index < count; index++, member += MEMBER_WORDS) {
    const nameOffset = words[member]!;
    if (nameOffset === 0) {
      const inner = btf.resolve(btf.memberType(typeId, index));
      if (!isComposite(btf.kind(inner))) continue;
      const found = search(btf, inner, name, start + btf.memberBitOffset(typeId, index), depth + 1);
      if (found !== undefined) return found;
    } else if (isString(btf, nameOffset, name)) {
      return { typeId, index, bitOffset: start + btf.memberBitOffset(typeId, index) };
    }
  }
  return undefined;
}

/** Whether the string at an offset is `text`, which has no NUL in it. */
function isString(btf: Btf, offset: number, text: Uint8Array): boolean {
  if (btf.base !== undefined && offset < btf.base.stringEnd) return isString(btf.base, offset, text);
  const bytes = btf.stringBytes;
  const position = offset - (btf.base?.stringEnd ?? 0);
  for (let i = 0; i < text.length; i++) {
    if (bytes[position + i] !== text[i]) return false;
  }
  return bytes[position + text.length] === 0;
}
