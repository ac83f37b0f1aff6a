import { BpfError, BtfKind, IntEncoding, MapType, type BpfMap, type Btf } from '@nx-bpf/loader';

/** A part of a map's elements, and what it may be told apart by. */
interface Part {
  readonly map: BpfMap;
  readonly what: 'key' | 'value';
  /** Bytes. */
  readonly size: number;
  readonly btf: Btf | undefined;
  readonly typeId: number;
}

/**
 * A key as it stands on a command line, as {@link BpfMap} takes it.
 *
 * @throws BpfError USAGE for text that its type does not have
 */
export function keyOf(map: BpfMap, text: string): unknown {
  const typeId = map.info().keyTypeId;
  if (map.type === MapType.lpm_trie && /^[\d.]+(\/\d+)?$|^[\da-fA-F]*:[\da-fA-F:.]*(\/\d+)?$/.test(text))
    return text;
  return typed(
    { map, what: 'key', size: map.keySize, btf: typeId === 0 ? undefined : map.btf, typeId },
    text,
  );
}

/**
 * A value as it stands on a command line. In a per-CPU map it goes to every CPU, unless it is a JSON list of one for
 * each.
 *
 * @param cpus possible CPUs, where the map has a value for each
 * @throws BpfError USAGE for text that its type does not have
 */
export function valueOf(map: BpfMap, text: string, cpus: number | undefined): unknown {
  const typeId = map.info().valueTypeId;
  const part: Part = {
    map,
    what: 'value',
    size: map.valueSize,
    btf: typeId === 0 ? undefined : map.btf,
    typeId,
  };
  if (cpus === undefined) return typed(part, text);
  const isArray = part.btf !== undefined && part.btf.kind(part.btf.resolve(typeId)) === BtfKind.ARRAY;
  if (text.startsWith('[') && !isArray) {
    const list = json(part, text);
    if (Array.isArray(list) && list.length === cpus) return list.map((one) => withBytes(part, one));
  }
  const one = typed(part, text);
  return Array.from({ length: cpus }, () => one);
}

function typed(part: Part, text: string): unknown {
  const bytes = bytesOf(text);
  if (bytes !== undefined) return checkedBytes(part, bytes);
  if (part.btf === undefined) return untyped(part, text);
  return ofType(part, part.btf, part.typeId, text);
}

/** Without BTF: bytes, or an integer that has the size. */
function untyped(part: Part, text: string): unknown {
  const integer = /^-?(0[xX][0-9a-fA-F]+|\d+)$/.test(text);
  if (!integer || ![1, 2, 4, 8].includes(part.size)) {
    throw invalid(
      part,
      text,
      `${part.size} bytes such as hex:${'00'.repeat(Math.min(part.size, 8))}, since the map has no BTF`,
    );
  }
  const bits = 8 * part.size;
  const value = text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text);
  if (value !== BigInt.asUintN(bits, value) && value !== BigInt.asIntN(bits, value)) {
    throw invalid(part, text, `an integer of ${part.size} bytes`);
  }
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
  return bytes.slice(0, part.size);
}

/** Text as a value of a type: what the encoder takes for it. The encoder then says what does not fit. */
function ofType(part: Part, btf: Btf, typeId: number, text: string): unknown {
  const id = btf.resolve(typeId);
  switch (btf.kind(id)) {
    case BtfKind.INT:
      return (btf.intEncoding(id) & IntEncoding.BOOL) === 0 ? text : boolean(text);
    case BtfKind.FLOAT:
      return Number(text);
    case BtfKind.ARRAY:
      return text.startsWith('[') || text.startsWith('"') ? json(part, text) : text;
    case BtfKind.STRUCT:
    case BtfKind.UNION:
    case BtfKind.DATASEC:
      return text.startsWith('{') ? json(part, text) : fields(part, btf, id, text);
    case BtfKind.VAR:
      return ofType(part, btf, btf.type(id), text);
    default:
      return text;
  }
}

function boolean(text: string): unknown {
  return text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : text;
}

/** `port=443,comm=nginx`; a struct of one field is also what that field is. */
function fields(part: Part, btf: Btf, id: number, text: string): unknown {
  const members = Array.from({ length: btf.vlen(id) }, (_, i) =>
    btf.kind(id) === BtfKind.DATASEC
      ? { name: btf.name(btf.secVarType(id, i)), type: btf.secVarType(id, i) }
      : { name: btf.memberName(id, i), type: btf.memberType(id, i) },
  );
  const pairs = splitAtCommas(text).map((pair) => /^\s*(\w+)\s*=(.*)$/s.exec(pair));
  if (pairs.some((pair) => pair === null)) {
    const [only] = members;
    if (members.length === 1 && only !== undefined && only.name !== '') {
      return { [only.name]: ofType(part, btf, only.type, text) };
    }
    throw invalid(
      part,
      text,
      `the fields of '${btf.describe(part.typeId)}' as name=value,... or as a JSON object`,
    );
  }
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name = '', value = ''] = pair!;
      const member = members.find((candidate) => candidate.name === name);
      // The encoder knows the fields of anonymous members too, and names what is near.
      return [name, member === undefined ? value : (bytesOf(value) ?? ofType(part, btf, member.type, value))];
    }),
  );
}

/** Commas inside of brackets and quotes belong to a field's value. */
function splitAtCommas(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let quoted = false;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (c === '"' && text[i - 1] !== '\\') quoted = !quoted;
    else if (quoted) continue;
    else if (c === '{' || c === '[') depth++;
    else if (c === '}' || c === ']') depth--;
    else if (c === ',' && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  return [...parts, text.slice(start)];
}

/** `hex:0a0b`, or pairs of digits with blanks between them, as dumps without BTF print them. */
function bytesOf(text: string): Uint8Array | undefined {
  const digits =
    /^hex:((?:[0-9a-fA-F]{2}[\s:]?)*)$/.exec(text)?.[1] ??
    /^[0-9a-fA-F]{2}(?: [0-9a-fA-F]{2})+$/.exec(text)?.[0];
  return digits === undefined ? undefined : Uint8Array.from(Buffer.from(digits.replace(/[\s:]/g, ''), 'hex'));
}

function checkedBytes(part: Part, bytes: Uint8Array): Uint8Array {
  if (bytes.length === part.size) return bytes;
  throw invalid(part, `${bytes.length} bytes`, `${part.size} bytes`);
}

/** Bytes inside of JSON are text: in a map without BTF each element is such text. */
function withBytes(part: Part, value: unknown): unknown {
  if (part.btf !== undefined) return value;
  return typed(part, String(value));
}

/** JSON whose integers keep all their digits: those that a number would round become text, which encoders take. */
function json(part: Part, text: string): unknown {
  const exact = text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?![\d.eE])/g, (token) =>
    token.startsWith('"') || Number.isSafeInteger(Number(token)) ? token : `"${token}"`,
  );
  try {
    return JSON.parse(exact) as unknown;
  } catch (error) {
    throw invalid(part, text, `JSON (${(error as Error).message})`);
  }
}

function invalid({ map, what }: Part, found: string, expected: string): BpfError {
  return new BpfError('USAGE', `map '${map.name}': ${what}`, {
    map: map.name,
    found: `'${found}'`,
    expected,
  });
}
