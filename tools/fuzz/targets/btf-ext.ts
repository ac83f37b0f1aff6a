import { Btf, BtfExt } from '../../../packages/loader/src/btf';
import { mutateBtf } from '../mutate/btf';
import { anyBytes, inflate, rarely, several } from '../mutate/bytes';
import { sectionOfObject } from '../seeds/btf';
import { seedObjects } from '../seeds/objects';
import { type Target } from '../target';

/** Where the `.BTF.ext` begins: the input's first 4 bytes say it, the `.BTF` that it belongs to is before it. */
const head = 4;

export const btfExt: Target = {
  name: 'btf-ext',
  what: 'BTF.ext: function info, line info, CO-RE relocations',
  rooms: ['types', 'records'],
  sources: ['packages/loader/src/btf/btf-ext.ts', 'packages/loader/src/btf/header.ts'],
  async seeds() {
    const objects = await seedObjects();
    return objects.flatMap(({ bytes }) => {
      const [types, ext] = ['.BTF', '.BTF.ext'].map((name) => sectionOfObject(bytes, name)[0]);
      if (types === undefined || ext === undefined) return [];
      const start = Buffer.alloc(head);
      start.writeUInt32LE(head + types.length);
      return [new Uint8Array(Buffer.concat([start, types, ext]))];
    });
  },
  mutate: rarely(
    1000,
    inflate,
    several(
      changeExt,
      changeExt,
      changeExt,
      (draft) => {
        const [type, ext] = [draft.view.getUint32(0, true), draft.length];
        if (type + 24 < ext) mutateBtf(draft, head, type, draft.bytes[head] === 0x9f);
      },
      anyBytes,
    ),
  ),
  run(input, past) {
    if (input.length < head) return;
    const start = new DataView(input.buffer, input.byteOffset).getUint32(0, true);
    const types = Btf.parse(input.subarray(head, start));
    past(0);
    const ext = BtfExt.parse(input.subarray(start), types);
    for (const section of ext.sections()) {
      ext.funcInfo(section);
      ext.lineInfo(section);
      ext.coreRelocations(section);
    }
    past(1);
  },
};

function changeExt(draft: Parameters<Target['mutate']>[0]): void {
  const start = draft.view.getUint32(0, true);
  if (start + 24 < draft.length) mutateBtf(draft, start, draft.length, draft.bytes[start] === 0x9f);
  else anyBytes(draft);
}
