import { Btf } from '../../../packages/loader/src/btf';
import { parseObject, type ObjectSpec } from '../../../packages/loader/src/object';
import { knownToKernel, relocateObject, requirementsOf } from '../../../packages/loader/src/relocate';
import { mutateBtf } from '../mutate/btf';
import { anyBytes, inflate, rarely, several } from '../mutate/bytes';
import { useRelocated } from '../relocated';
import { sectionOfObject } from '../seeds/btf';
import { seedObjects } from '../seeds/objects';
import { type Target } from '../target';
import { kernelOf } from './object';

/** The input: a length in 4 bytes, an object of that length, which is left as it is, and a kernel's types. */
const head = 4;
/** Objects that were read already, by their bytes: what is tried here is what they are relocated against. */
const known = new Map<string, ObjectSpec>();

export const relocate: Target = {
  name: 'relocate',
  what: 'relocation of objects against changed types of a kernel, and of a module',
  rooms: ['kernel types', 'required', 'relocated', 'stored', 'of a module'],
  sources: ['packages/loader/src/relocate', 'packages/loader/src/btf/name-index.ts'],
  async seeds() {
    const objects = await seedObjects();
    return objects.flatMap(({ bytes }) => {
      const start = Buffer.alloc(head);
      start.writeUInt32LE(bytes.length);
      return sectionOfObject(bytes, '.BTF').map(
        (types) => new Uint8Array(Buffer.concat([start, bytes, types])),
      );
    });
  },
  mutate: rarely(
    2000,
    inflate,
    several(changeTypes, changeTypes, changeTypes, changeTypes, otherTypes, (draft) => {
      if (draft.random.oneIn(20)) anyBytes(draft);
      else changeTypes(draft);
    }),
  ),
  run(input, past) {
    if (input.length < head) return;
    const start = head + new DataView(input.buffer, input.byteOffset).getUint32(0, true);
    const spec = specOf(input.subarray(head, start));
    const kernel = { ...kernelOf(spec), btf: () => types };
    const types = Btf.parse(input.subarray(start));
    past(0);
    knownToKernel(types);
    for (const { name } of spec.programs) requirementsOf(spec, name, kernel);
    past(1);
    useRelocated(relocateObject(spec, kernel));
    past(3);
    past(2);
    // As a module whose types are those of the kernel once more: split BTF begins where its base ends.
    const module = { ...kernelOf(spec), moduleNames: () => ['fuzz'], moduleBtf: () => types };
    useRelocated(relocateObject(spec, module));
    past(4);
  },
};

function specOf(bytes: Uint8Array): ObjectSpec {
  const key = Buffer.from(bytes).toString('latin1');
  const before = known.get(key);
  if (before !== undefined) return before;
  const spec = parseObject(bytes, { name: 'fuzz' });
  if (known.size < 300) known.set(key, spec);
  return spec;
}

function typesAt({ view, length }: Parameters<Target['mutate']>[0]): number {
  const start = head + view.getUint32(0, true);
  return start + 24 < length ? start : head;
}

function changeTypes(draft: Parameters<Target['mutate']>[0]): void {
  const start = typesAt(draft);
  mutateBtf(draft, start, draft.length, draft.bytes[start] === 0x9f);
}

/** The types of another object. */
function otherTypes(draft: Parameters<Target['mutate']>[0]): void {
  const other = draft.other();
  if (other.length < head) return;
  const from = head + new DataView(other.buffer, other.byteOffset).getUint32(0, true);
  if (from < other.length) draft.replace(typesAt(draft), draft.length, other.subarray(from));
}
