import {
  Btf,
  compileConversion,
  decodeValue,
  encodeValue,
  integersOf,
} from '../../../packages/loader/src/btf';
import { fieldsOf, isComposite } from '../../../packages/loader/src/btf/fields';
import { BpfError } from '../../../packages/loader/src/errors';
import { mutateBtf } from '../mutate/btf';
import { anyBytes, inflate, rarely, several } from '../mutate/bytes';
import { seedBtf } from '../seeds/btf';
import { Broken, type Target } from '../target';

/** The input: the length of BTF in 4 bytes, the BTF, and the bytes of values. */
const head = 4;
const valueBytes = 256;

export const values: Target = {
  name: 'values',
  what: 'values of any type: decoded, encoded, converted from one type to another',
  rooms: ['types', 'decoded', 'encoded', 'converted'],
  sources: [
    'decode-value',
    'decoder',
    'encode-value',
    'read-object',
    'read-scalar',
    'read-text',
    'fields',
    'bits',
    'integers',
    'conversion',
    'conversion-steps',
  ].map((name) => `packages/loader/src/btf/${name}.ts`),
  seeds: async () =>
    (await seedBtf()).map((types) => {
      const start = Buffer.alloc(head);
      start.writeUInt32LE(types.length);
      const bytes = Uint8Array.from({ length: valueBytes }, (_, i) => (i * 37) & 0xff);
      return new Uint8Array(Buffer.concat([start, types, bytes]));
    }),
  mutate: rarely(1000, inflate, several(changeTypes, changeTypes, changeTypes, anyBytes)),
  run(input, past) {
    if (input.length < head) return;
    const end = head + new DataView(input.buffer, input.byteOffset).getUint32(0, true);
    const types = Btf.parse(input.subarray(head, end));
    past(0);
    const bytes = input.subarray(end);
    const last = Math.min(types.endId, 60);
    const distinct = hasDistinctFields(types);
    for (let id = 1; id < last; id++) {
      const size = tried(() => types.byteSize(id));
      if (size === undefined || size > bytes.length) continue;
      const value = tried(() => decodeValue(types, id, bytes, 0));
      if (value === undefined) continue;
      past(1);
      // Fields may overlap, as those of a union: it is the bytes that come of a value that stay the same.
      const bytesOf = (from: typeof value): Uint8Array => {
        const into = new Uint8Array(size);
        encodeValue(types, id, from, into, 0);
        return into;
      };
      const once = tried(() => bytesOf(value));
      if (once === undefined) continue;
      if (distinct && Buffer.compare(bytesOf(decodeValue(types, id, once, 0)), once) !== 0)
        throw new Broken('a value differs once it is encoded and decoded again');
      past(2);
      tried(() => integersOf({ btf: types, typeId: id }, ''));
      const from = 1 + (id % (last - 1));
      tried(() => compileConversion({ btf: types, typeId: id }, { btf: types, typeId: from }));
      past(3);
    }
  },
};

/** Two fields of one name, which C cannot have, are one in an object: what is read cannot be written again. */
function hasDistinctFields(types: Btf): boolean {
  for (let id = 1; id < types.endId; id++) {
    if (!isComposite(types, id)) continue;
    const names = fieldsOf(types, id).map(({ name }) => name);
    if (new Set(names).size < names.length) return false;
  }
  return true;
}

function tried<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof BpfError) return undefined;
    throw error;
  }
}

function changeTypes(draft: Parameters<Target['mutate']>[0]): void {
  const end = head + draft.view.getUint32(0, true);
  if (end > draft.length || draft.random.oneIn(8)) return anyBytes(draft);
  mutateBtf(draft, head, end, draft.bytes[head] === 0x9f);
}
