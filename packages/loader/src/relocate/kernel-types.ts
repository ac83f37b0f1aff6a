import { BtfBuilder } from '../btf';
import { type ObjectSpec } from '../object';
import { defineExterns } from './extern-types';
import { hideFunctions } from './hidden-functions';

/**
 * The BTF to load with an object: its own, changed where a kernel wants it otherwise than a linker. Ids stay.
 *
 * @returns undefined for an object without BTF
 */
export function btfForKernel(spec: ObjectSpec): Uint8Array | undefined {
  const { btf } = spec;
  if (btf === undefined) return undefined;
  const builder = BtfBuilder.from(btf);
  const changed = [hideFunctions(spec, builder), defineExterns(btf, builder)].includes(true);
  return changed ? builder.build() : btf.bytes;
}
