import { BtfBuilder, Linkage } from '../btf';
import { type ObjectSpec } from '../object';
import { declaresExterns, defineExterns } from './extern-types';
import { hiddenFunctions } from './hidden-functions';

/**
 * The BTF to load with an object: its own, changed where a kernel wants it otherwise than a linker. Ids stay.
 *
 * @returns undefined for an object without BTF
 */
export function btfForKernel(spec: ObjectSpec): Uint8Array | undefined {
  const { btf } = spec;
  if (btf === undefined) return undefined;
  const hidden = hiddenFunctions(spec);
  if (hidden.length === 0 && !declaresExterns(btf)) return btf.bytes;
  const builder = BtfBuilder.from(btf);
  for (const typeId of hidden) builder.setLinkage(typeId, Linkage.STATIC);
  defineExterns(btf, builder);
  return builder.build();
}
