import { BtfBuilder, Linkage } from '../btf';
import { type ObjectSpec } from '../object';

/**
 * The BTF to load with an object. Subprograms that are global to the linker but hidden are static to the kernel:
 * the verifier then follows calls of them, where it checks a global function once and for any arguments. libbpf gives
 * `__hidden` this meaning.
 */
export function btfForKernel(spec: ObjectSpec): Uint8Array | undefined {
  const { btf, functions, programs } = spec;
  if (btf === undefined) return undefined;
  const entries = new Set(programs.map((program) => program.function));
  const hidden = functions.filter(
    (fn, index) =>
      fn.hidden &&
      fn.binding !== 'local' &&
      !entries.has(index) &&
      fn.typeId !== 0 &&
      btf.linkage(fn.typeId) === Linkage.GLOBAL,
  );
  if (hidden.length === 0) return btf.bytes;
  const builder = BtfBuilder.from(btf);
  for (const { typeId } of hidden) builder.setLinkage(typeId, Linkage.STATIC);
  return builder.build();
}
