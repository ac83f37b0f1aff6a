import { Btf, btfWithout, BtfBuilder, BtfKind, needsOfBtf, printC } from '../../../packages/loader/src/btf';
import { typeLayout } from '../../../packages/loader/src/btf/type-layout';
import { btfMutator } from '../mutate/btf';
import { seedBtf } from '../seeds/btf';
import { Broken, type Target } from '../target';

/** Kinds that CO-RE looks for by name. */
const named = [BtfKind.STRUCT, BtfKind.UNION, BtfKind.ENUM, BtfKind.TYPEDEF, BtfKind.INT];

const mostAsked = 40;

export const btf: Target = {
  name: 'btf',
  what: 'BTF: types, names, layouts, C headers, and BTF written anew',
  rooms: ['parsed', 'described', 'printed as C', 'written again'],
  sources: ['packages/loader/src/btf'],
  seeds: seedBtf,
  mutate: btfMutator,
  run(input, past) {
    const types = Btf.parse(input, { object: 'fuzz.btf' });
    past(0);
    for (let id = 0; id < types.endId; id++) {
      types.describe(id);
    }
    // An object asks for some types of a kernel, not for all of them.
    for (let id = 1; id < Math.min(types.endId, mostAsked); id++) types.candidates(types.name(id), named);
    past(1);
    sound(() => printC(types));
    for (let id = 1; id < types.endId; id += 7) sound(() => typeLayout(types, id));
    past(2);
    const again = Btf.parse(BtfBuilder.from(types).build());
    if (!same(types, again)) throw new Broken('BTF differs once it is written and read again');
    const needs = needsOfBtf(types);
    if (needs.length > 0) Btf.parse(btfWithout(types, new Set(needs)));
    past(3);
  },
};

/** What is out of proportion is refused: that is no reason to look no further. */
function sound(look: () => void): void {
  try {
    look();
  } catch (error) {
    if ((error as { code?: string }).code !== 'BTF_MALFORMED') throw error;
  }
}

function same(a: Btf, b: Btf): boolean {
  return (
    Buffer.compare(Buffer.from(a.stringBytes), Buffer.from(b.stringBytes)) === 0 &&
    a.words.length === b.words.length &&
    a.words.every((word, i) => word === b.words[i])
  );
}
