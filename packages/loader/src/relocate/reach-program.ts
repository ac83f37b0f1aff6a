import { Btf, Linkage } from '../btf';
import { type RelocatedObject, type RelocatedProgram } from './relocated';
import { type ReachedProgram } from './reach-state';

/** `struct bpf_func_info` in bytes: the function's first instruction, and its type. */
export const FUNC_INFO = 8;

/** What following a program looks at of it and of its object's constants. */
export function viewOf(
  object: RelocatedObject,
  { instructions, bindings }: RelocatedProgram,
): ReachedProgram {
  const frozen = new Map(
    object.maps
      .filter((map) => map.frozen && object.littleEndian)
      .map((map) => [map.name, { size: map.valueSize, data: map.data ?? new Uint8Array() }]),
  );
  const constants = new Map(
    bindings.flatMap((binding) => {
      return binding.kind === 'data' && frozen.has(binding.map) ? [[binding.insn, binding.map] as const] : [];
    }),
  );
  const open = new Set(bindings.flatMap(({ kind, insn }) => (kind === 'ksym' ? [insn] : [])));
  return { instructions, constants, contents: frozen, open };
}

/** Whether the functions of a program are static, by the instruction at which they begin; without BTF nothing is known. */
export function staticFunctions(
  { btf: bytes }: RelocatedObject,
  { funcInfo }: RelocatedProgram,
): ReadonlyMap<number, boolean> {
  // The main function alone calls nothing.
  if (bytes === undefined || funcInfo.length <= FUNC_INFO) return new Map();
  const btf = Btf.parse(bytes);
  const view = new DataView(funcInfo.buffer, funcInfo.byteOffset, funcInfo.byteLength);
  return new Map(
    Array.from({ length: Math.floor(funcInfo.length / FUNC_INFO) }, (_, i) => {
      const [start, type] = [view.getUint32(i * FUNC_INFO, true), view.getUint32(i * FUNC_INFO + 4, true)];
      return [start, btf.linkage(type) === Linkage.STATIC] as const;
    }),
  );
}
