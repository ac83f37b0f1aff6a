import { type BtfBuilder, Linkage } from '../btf';
import { type ObjectSpec } from '../object';

/**
 * Subprograms that are global to the linker but hidden become static to the kernel: the verifier then follows calls
 * of them, where it checks a global function once and for any arguments. libbpf gives `__hidden` this meaning.
 *
 * @param builder a copy of the object's types
 * @returns whether there was anything to do
 */
export function hideFunctions({ btf, functions, programs }: ObjectSpec, builder: BtfBuilder): boolean {
  const entries = new Set(programs.map((program) => program.function));
  const hidden = functions.filter(
    (fn, index) =>
      fn.hidden &&
      fn.binding !== 'local' &&
      !entries.has(index) &&
      fn.typeId !== 0 &&
      btf?.linkage(fn.typeId) === Linkage.GLOBAL,
  );
  for (const { typeId } of hidden) builder.setLinkage(typeId, Linkage.STATIC);
  return hidden.length > 0;
}
