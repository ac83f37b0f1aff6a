import { BpfError, encodeValue, lpmKey, MapType } from '@nx-bpf/loader';
import { type Path, type Place, type Problems } from '../manifest';
import { familyOf, type MapShape } from './shape';
import { type WrittenEntry } from './written-entries';

/** An entry as bytes. */
export interface EncodedEntry {
  readonly key: Uint8Array;
  /**
   * The value of one CPU with what the entry says of it; fields that it does not mention are those of `current`, or
   * zero without.
   */
  value(current: Uint8Array | undefined): Uint8Array;
}

/** Types whose keys are indexes: they have all their elements always. */
const indexed: readonly number[] = [MapType.array, MapType.percpu_array];

/** The bytes of written entries, by the types of their map; what does not fit goes to `problems`, each at its place. */
export function encodeEntries(
  entries: readonly WrittenEntry[],
  shape: MapShape,
  problems: Problems,
): EncodedEntry[] {
  const family = familyOf(shape.type);
  if (family === undefined) {
    const [first] = entries;
    if (first !== undefined)
      problems.add(
        first.keyPlace([]),
        `map '${shape.name}': entries of its type cannot be written from data`,
      );
    return [];
  }
  const seen = new Map<string, Place>();
  const encoded = entries.flatMap((entry): EncodedEntry[] => {
    const key = attempt(
      problems,
      (path) => entry.keyPlace(path),
      'key',
      () => encodeKey(entry.key, shape),
    );
    const first = attempt(
      problems,
      (path) => entry.valuePlace(path),
      'value',
      () => {
        const bytes = new Uint8Array(shape.valueSize);
        encodePart(entry.value, shape, 'value', bytes);
        return bytes;
      },
    );
    if (key === undefined) return [];
    const text = Buffer.from(key).toString('latin1');
    const other = seen.get(text);
    if (other !== undefined) {
      problems.add(entry.keyPlace([]), `key ${String(entry.key)} is that of line ${other.line} too`);
      return [];
    }
    seen.set(text, entry.keyPlace([]));
    if (first === undefined) return [];
    return [
      {
        key,
        value: (current) => {
          if (current === undefined) return first.slice();
          const bytes = current.slice();
          encodePart(entry.value, shape, 'value', bytes);
          return bytes;
        },
      },
    ];
  });
  if (!indexed.includes(shape.type) && encoded.length > shape.maxEntries) {
    problems.add(
      entries[0]!.keyPlace([]),
      `map '${shape.name}' has room for ${shape.maxEntries} entries (max_entries), and these are ${encoded.length}`,
    );
  }
  return encoded;
}

function encodeKey(key: unknown, shape: MapShape): Uint8Array {
  if (shape.type === MapType.lpm_trie && typeof key === 'string') return lpmKey(key, shape.keySize);
  const bytes = new Uint8Array(shape.keySize);
  if (!indexed.includes(shape.type)) {
    encodePart(key, shape, 'key', bytes);
    return bytes;
  }
  const index = typeof key === 'string' && /^(0x[0-9a-f]+|\d+)$/i.test(key) ? Number(key) : key;
  if (typeof index !== 'number' || !Number.isInteger(index) || index < 0 || index >= shape.maxEntries) {
    throw new BpfError('CONSTANT_INVALID', 'no index of the array', {
      found: String(key),
      expected: `from 0 to ${shape.maxEntries - 1}`,
    });
  }
  new DataView(bytes.buffer).setUint32(0, index, true);
  return bytes;
}

/** A value of which nothing is said stays as it is. */
function encodePart(value: unknown, shape: MapShape, part: 'key' | 'value', into: Uint8Array): void {
  if (value === undefined) return;
  const typeId = part === 'key' ? shape.keyTypeId : shape.valueTypeId;
  if (shape.btf === undefined || typeId === 0) {
    throw new BpfError('BTF_MISSING', `map '${shape.name}' has no type for its ${part}`, {
      hint: `define it with __type(${part}, ...), and compile with -g`,
    });
  }
  encodeValue(shape.btf, typeId, value, into, 0, { name: part });
}

/** Runs a step of encoding; its error becomes a problem, at the part of what was written that it is about. */
function attempt<T>(
  problems: Problems,
  place: (path: Path) => Place,
  root: string,
  step: () => T,
): T | undefined {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    problems.add(place(pathOf(error.fields.symbol, root)), error.message);
    return undefined;
  }
}

/** `value.rules[2].port` as steps: `rules`, 2, `port`. */
function pathOf(symbol: string | undefined, root: string): Path {
  if (symbol === undefined || !symbol.startsWith(root)) return [];
  const steps = symbol.slice(root.length).match(/[^.[\]]+/g) ?? [];
  return steps.map((step) => (/^\d+$/.test(step) ? Number(step) : step));
}
