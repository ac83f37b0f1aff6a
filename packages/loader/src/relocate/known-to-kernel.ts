import { type Btf, BtfKind } from '../btf';

/** What a kernel's BPF has, by the numbers of its ABI. undefined: its types do not say. */
export interface KnownToKernel {
  readonly programTypes: ReadonlySet<number> | undefined;
  readonly attachTypes: ReadonlySet<number> | undefined;
  readonly mapTypes: ReadonlySet<number> | undefined;
  readonly helpers: ReadonlySet<number> | undefined;
}

/**
 * Reads it from the enums of uapi/linux/bpf.h, which a kernel's own types have.
 *
 * @example
 * ```ts
 * knownToKernel(kernelBtf).programTypes?.has(6); // whether it has XDP: 6 is BPF_PROG_TYPE_XDP
 * ```
 */
export function knownToKernel(btf: Btf): KnownToKernel {
  return {
    programTypes: valuesOf(btf, 'bpf_prog_type'),
    attachTypes: valuesOf(btf, 'bpf_attach_type'),
    mapTypes: valuesOf(btf, 'bpf_map_type'),
    helpers: valuesOf(btf, 'bpf_func_id'),
  };
}

/** The values of an enum but for that which counts them: `__MAX_BPF_PROG_TYPE`, `__BPF_FUNC_MAX_ID`. */
function valuesOf(btf: Btf, name: string): ReadonlySet<number> | undefined {
  const id = btf.find(name, BtfKind.ENUM);
  if (id === 0) return undefined;
  const values = new Set<number>();
  for (let i = 0; i < btf.vlen(id); i++) {
    if (!btf.enumName(id, i).startsWith('__')) values.add(Number(btf.enumValue(id, i)));
  }
  return values;
}
