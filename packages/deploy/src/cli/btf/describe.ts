import { BtfKind, IntEncoding, kindName, Linkage, type Btf } from '@nx-bpf/loader';

/** A type as JSON: the parts that its kind has, under the names that `bpftool btf dump -j` gives them. */
export function describeType(btf: Btf, id: number): Record<string, unknown> {
  const kind = btf.kind(id);
  return { id, kind: kindName(kind), name: btf.name(id) || '(anon)', ...parts(btf, id, kind) };
}

/** The same as a line: `[1] INT 'int' size=4 ...`, and a line for each member. */
export function rawLine(btf: Btf, id: number): string {
  const { kind, name, members, values, params, vars, ...rest } = describeType(btf, id);
  const list = (members ?? values ?? params ?? vars) as readonly Record<string, unknown>[] | undefined;
  const fields = (part: Record<string, unknown>): string =>
    Object.entries(part)
      .filter(([key]) => key !== 'id' && key !== 'name')
      .map(([key, value]) => ` ${key}=${String(value)}`)
      .join('');
  const quoted = (part: unknown): string => `'${String(part)}'`;
  const head = `[${id}] ${String(kind)} ${quoted(name)}${fields(rest)}`;
  return [head, ...(list ?? []).map((part) => `\t${quoted(part['name'] ?? '(anon)')}${fields(part)}`)].join(
    '\n',
  );
}

function parts(btf: Btf, id: number, kind: BtfKind): Record<string, unknown> {
  const each = <T>(of: (i: number) => T): T[] => Array.from({ length: btf.vlen(id) }, (_, i) => of(i));
  switch (kind) {
    case BtfKind.INT:
      return {
        size: btf.size(id),
        bits_offset: btf.intOffset(id),
        nr_bits: btf.intBits(id),
        encoding: encodingName(btf.intEncoding(id)),
      };
    case BtfKind.FLOAT:
      return { size: btf.size(id) };
    case BtfKind.ARRAY:
      return {
        type_id: btf.arrayElement(id),
        index_type_id: btf.arrayIndex(id),
        nr_elems: btf.arrayLength(id),
      };
    case BtfKind.STRUCT:
    case BtfKind.UNION:
      return {
        size: btf.size(id),
        vlen: btf.vlen(id),
        members: each((i) => ({
          name: btf.memberName(id, i) || '(anon)',
          type_id: btf.memberType(id, i),
          bits_offset: btf.memberBitOffset(id, i),
          ...(btf.memberBitfieldSize(id, i) !== 0 && { bitfield_size: btf.memberBitfieldSize(id, i) }),
        })),
      };
    case BtfKind.ENUM:
    case BtfKind.ENUM64:
      return {
        encoding: btf.kindFlag(id) ? 'SIGNED' : 'UNSIGNED',
        size: btf.size(id),
        vlen: btf.vlen(id),
        values: each((i) => ({ name: btf.enumName(id, i), val: exact(btf.enumValue(id, i)) })),
      };
    case BtfKind.FWD:
      return { fwd_kind: btf.kindFlag(id) ? 'union' : 'struct' };
    case BtfKind.FUNC:
      return { type_id: btf.type(id), linkage: linkageName(btf.linkage(id)) };
    case BtfKind.FUNC_PROTO:
      return {
        ret_type_id: btf.type(id),
        vlen: btf.vlen(id),
        params: each((i) => ({ name: btf.paramName(id, i) || '(anon)', type_id: btf.paramType(id, i) })),
      };
    case BtfKind.VAR:
      return { type_id: btf.type(id), linkage: linkageName(btf.linkage(id)) };
    case BtfKind.DATASEC:
      return {
        size: btf.size(id),
        vlen: btf.vlen(id),
        vars: each((i) => ({
          type_id: btf.secVarType(id, i),
          offset: btf.secVarOffset(id, i),
          size: btf.secVarSize(id, i),
        })),
      };
    case BtfKind.DECL_TAG:
      return { type_id: btf.type(id), component_idx: btf.declTagIndex(id) };
    default:
      return { type_id: btf.type(id) };
  }
}

/** Some types and all that they refer to, in rising order. */
export function reachable(btf: Btf, roots: readonly number[]): number[] {
  const seen = new Set<number>();
  const pending = [...roots];
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    if (id === 0 || seen.has(id)) continue;
    seen.add(id);
    pending.push(...references(btf, id));
  }
  return [...seen].sort((a, b) => a - b);
}

function references(btf: Btf, id: number): number[] {
  const each = (of: (i: number) => number): number[] => Array.from({ length: btf.vlen(id) }, (_, i) => of(i));
  switch (btf.kind(id)) {
    case BtfKind.INT:
    case BtfKind.FLOAT:
    case BtfKind.ENUM:
    case BtfKind.ENUM64:
    case BtfKind.FWD:
      return [];
    case BtfKind.ARRAY:
      return [btf.arrayElement(id), btf.arrayIndex(id)];
    case BtfKind.STRUCT:
    case BtfKind.UNION:
      return each((i) => btf.memberType(id, i));
    case BtfKind.FUNC_PROTO:
      return [btf.type(id), ...each((i) => btf.paramType(id, i))];
    case BtfKind.DATASEC:
      return each((i) => btf.secVarType(id, i));
    default:
      return [btf.type(id)];
  }
}

function encodingName(encoding: number): string {
  if (encoding === IntEncoding.SIGNED) return 'SIGNED';
  if (encoding === IntEncoding.CHAR) return 'CHAR';
  if (encoding === IntEncoding.BOOL) return 'BOOL';
  return encoding === 0 ? '(none)' : 'UNKN';
}

function linkageName(linkage: number): string {
  return linkage === Linkage.STATIC ? 'static' : linkage === Linkage.GLOBAL ? 'global' : 'extern';
}

function exact(value: bigint): number | string {
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
}
