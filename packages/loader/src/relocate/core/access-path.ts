import { type Btf, BtfKind } from '../../btf';
import { BpfError } from '../../errors';
import { type CoreSubject } from './kinds';

/** A way into a type: from its root over members, array elements or to one value of an enum. */
export interface AccessPath {
  readonly btf: Btf;
  /** The type that the path starts at, as recorded: typedefs are not followed. */
  readonly rootId: number;
  /** Named members and array elements; anonymous structs on the way count only in `bitOffset`. Empty for types. */
  readonly steps: readonly AccessStep[];
  /** From the start of the root. */
  readonly bitOffset: number;
}

/** One step: member `index` of a struct or value `index` of an enum when it has a name, else element `index`. */
export interface AccessStep {
  /** The struct, union or enum that the member or value belongs to; for an element, the type of the element. */
  readonly typeId: number;
  readonly index: number;
  readonly name: string | undefined;
}

/** Most indices in an access string: `BPF_CORE_SPEC_MAX_LEN` of the kernel's and libbpf's relo_core.c. */
export const MAX_STEPS = 64;

/**
 * Reads an access string such as `0:3:1` against the object's own types. The first number indexes the root as if it
 * were an array (`p[0]`), each further one a member by position or an array's element. For enum values the only
 * number is the position of the value, for types the string is `0`.
 *
 * @throws BpfError CORE_INVALID when the string is no way into the type
 */
export function parseAccess(btf: Btf, rootId: number, access: string, subject: CoreSubject): AccessPath {
  if (subject === 'type') {
    if (access !== '0') throw invalid('access string', `'${access}'`, "'0' for a relocation of a type");
    return { btf, rootId, steps: [], bitOffset: 0 };
  }
  if (!/^\d{1,10}(:\d{1,10})*$/.test(access)) {
    throw invalid('access string', `'${access}'`, 'numbers with colons between them');
  }
  const indices = access.split(':').map(Number);
  if (indices.length > MAX_STEPS) {
    throw invalid('access string', `${indices.length} steps`, `${MAX_STEPS} at most`);
  }
  return subject === 'field' ? parseField(btf, rootId, indices) : parseEnumValue(btf, rootId, indices);
}

function parseEnumValue(btf: Btf, rootId: number, indices: readonly number[]): AccessPath {
  const typeId = btf.resolve(rootId);
  const kind = btf.kind(typeId);
  if (kind !== BtfKind.ENUM && kind !== BtfKind.ENUM64) {
    throw invalid('root of an enum value', btf.describe(rootId), 'an enum');
  }
  const index = indices[0]!;
  if (indices.length > 1 || index >= btf.vlen(typeId)) {
    throw invalid(`value of ${btf.describe(rootId)}`, indices.join(':'), `0 to ${btf.vlen(typeId) - 1}`);
  }
  return { btf, rootId, steps: [{ typeId, index, name: btf.enumName(typeId, index) }], bitOffset: 0 };
}

function parseField(btf: Btf, rootId: number, indices: readonly number[]): AccessPath {
  let id = btf.resolve(rootId);
  const steps: AccessStep[] = [{ typeId: id, index: indices[0]!, name: undefined }];
  let bitOffset = indices[0]! * btf.byteSize(id) * 8;
  for (const index of indices.slice(1)) {
    id = btf.resolve(id);
    const kind = btf.kind(id);
    if (kind === BtfKind.STRUCT || kind === BtfKind.UNION) {
      if (index >= btf.vlen(id)) {
        throw invalid(`member of ${btf.describe(id)}`, `${index}`, `0 to ${btf.vlen(id) - 1}`);
      }
      bitOffset += btf.memberBitOffset(id, index);
      const name = btf.memberName(id, index);
      if (name !== '') steps.push({ typeId: id, index, name });
      id = btf.memberType(id, index);
    } else if (kind === BtfKind.ARRAY) {
      if (index >= btf.arrayLength(id) && !isFlexibleArray(btf, id, steps.at(-1)!)) {
        throw invalid(`element of ${btf.describe(id)}`, `${index}`, `less than ${btf.arrayLength(id)}`);
      }
      id = btf.resolve(btf.arrayElement(id));
      steps.push({ typeId: id, index, name: undefined });
      bitOffset += index * btf.byteSize(id) * 8;
    } else {
      throw invalid(`what is indexed with ${index}`, btf.describe(id), 'a struct, a union or an array');
    }
  }
  return { btf, rootId, steps, bitOffset };
}

function invalid(what: string, found: string, expected: string): BpfError {
  return new BpfError('CORE_INVALID', what, { found, expected });
}

/** Whether an array of length 0 is the last member of its struct, so that any index is inside: `char name[];`. */
export function isFlexibleArray(btf: Btf, arrayId: number, holder: AccessStep): boolean {
  return (
    btf.arrayLength(arrayId) === 0 &&
    holder.name !== undefined &&
    holder.index === btf.vlen(holder.typeId) - 1
  );
}

/** A path as C would write it: `struct task_struct.comm[3]`, `enum pid_type::PIDTYPE_TGID`. */
export function describeAccess(path: AccessPath, subject: CoreSubject): string {
  const root = path.btf.describe(path.rootId);
  if (subject === 'type') return root;
  const [first, ...rest] = path.steps;
  if (subject === 'enum value') return `${root}::${first!.name}`;
  const start = first!.index === 0 ? root : `(${root})[${first!.index}]`;
  return rest.reduce(
    (text, step) => text + (step.name === undefined ? `[${step.index}]` : `.${step.name}`),
    start,
  );
}
