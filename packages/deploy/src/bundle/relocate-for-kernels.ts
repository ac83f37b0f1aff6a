import fs from 'node:fs';
import {
  BpfError,
  Btf,
  encodeRelocated,
  objectDigest,
  parseObject,
  relocateObject,
  type TargetKernel,
} from '@nx-bpf/loader';
import { wantedOf, type ProjectConfig } from '../manifest';
import { type BuiltObject } from '../toolchain';

/** The types of a kernel that the manifest names. */
export interface KernelTypesFile {
  readonly name: string;
  /** Raw BTF. */
  readonly btf: Uint8Array;
}

/** An object relocated for a kernel, as a bundle carries it. */
export interface BundledRelocation {
  /** Name of the object. */
  readonly object: string;
  /** Functions that are programs of the manifest, and its struct_ops, sorted. */
  readonly programs: readonly string[];
  /** Name of the kernel in the manifest, and SHA-256 of its BTF: what tells whether it is the one that runs. */
  readonly kernel: string;
  readonly btf: string;
  /** See `encodeRelocated`. */
  readonly bytes: Uint8Array;
}

/**
 * Relocates objects for kernels, so that their hosts need not read their own types. What depends on more than these (a
 * kernel's configuration, its modules), or has no place in a kernel, is left to the host, which then says why.
 */
export function relocateForKernels(
  config: ProjectConfig,
  objects: readonly BuiltObject[],
  kernels: readonly KernelTypesFile[],
): BundledRelocation[] {
  return kernels.flatMap(({ name: kernel, btf: raw }) => {
    const btf = Btf.parse(raw, { object: kernel });
    return objects.flatMap(({ name, file }): BundledRelocation[] => {
      const programs = wantedOf(config, name);
      const spec = parseObject(new Uint8Array(fs.readFileSync(file)), { name });
      try {
        const relocated = relocateObject(spec, onlyTypes(btf), { programs });
        return [
          { object: name, programs, kernel, btf: objectDigest(raw), bytes: encodeRelocated(relocated) },
        ];
      } catch (error) {
        if (error instanceof BpfError || error instanceof AskedForMore) return [];
        throw error;
      }
    });
  });
}

class AskedForMore extends Error {}

/** A kernel of which nothing but its types is known: who asks for more gets no answer. */
function onlyTypes(btf: Btf): TargetKernel {
  const refuse = (): never => {
    throw new AskedForMore();
  };
  return { btf: () => btf, moduleNames: refuse, moduleBtf: refuse, kconfig: refuse, virtual: refuse };
}
