import { Linkage } from '../btf';
import { type ObjectSpec } from '../object';

/**
 * BTF ids of the subprograms that are global to the linker but hidden. They become static to the kernel: the verifier
 * then follows calls of them, where it checks a global function once and for any arguments. libbpf gives `__hidden`
 * this meaning.
 */
export function hiddenFunctions({ btf, functions, programs }: ObjectSpec): number[] {
  const entries = new Set(programs.map((program) => program.function));
  const hidden = functions.filter(
    (fn, index) =>
      fn.hidden &&
      fn.binding !== 'local' &&
      !entries.has(index) &&
      fn.typeId !== 0 &&
      btf?.linkage(fn.typeId) === Linkage.GLOBAL,
  );
  return hidden.map(({ typeId }) => typeId);
}
