import { Btf } from '../btf';
import { BpfError } from '../errors';
import { type TargetKernel } from '../relocate';
import { features, hasFeature } from './features';
import { kernelIdentity, kernelVersionCode } from './identity';
import { indexedBtf } from './indexed-btf';
import { kernelSymbols } from './kallsyms';
import { kernelConfig } from './kconfig';
import { kernelFolder } from './kernel-folder';
import { kernelBtfBytes, moduleBtfBytes, moduleBtfNames } from './kernel-btf';

/** A value computed when it is first asked for. */
function lazy<T>(compute: () => T): () => T {
  let value: { readonly it: T } | undefined;
  return () => (value ??= { it: compute() }).it;
}

const running = lazy((): TargetKernel => {
  const btf = lazy(kernelBtf);
  const modules = new Map<string, Btf | undefined>();
  const virtual = {
    LINUX_KERNEL_VERSION: lazy(() => BigInt(kernelVersionCode())),
    LINUX_HAS_BPF_COOKIE: lazy(() => (hasFeature(features.cookie) === true ? 1n : 0n)),
    LINUX_HAS_SYSCALL_WRAPPER: () => (hasSyscallWrapper() ? 1n : 0n),
  };
  return {
    btf,
    moduleNames: lazy(moduleBtfNames),
    moduleBtf: (name) => {
      if (!modules.has(name)) {
        const bytes = moduleBtfBytes(name);
        modules.set(name, bytes && readableBtf(bytes, btf()));
      }
      return modules.get(name);
    },
    kconfig: lazy(kernelConfig),
    virtual: (name) => virtual[name](),
  };
});

/** Read by the index that is kept for this build of the kernel, if there is a folder for it. */
function kernelBtf(): Btf {
  const bytes = kernelBtfBytes();
  const folder = kernelFolder();
  const { buildId } = kernelIdentity();
  if (folder === undefined || buildId === undefined) return Btf.parse(bytes, { trusted: true });
  return indexedBtf(bytes, folder, buildId);
}

/**
 * The kernel that this process runs on, to relocate objects against. Everything is read when it is first asked for
 * and then kept for the life of the process.
 *
 * @example
 * ```ts
 * const relocated = relocateObject(spec, runningKernel());
 * ```
 */
export function runningKernel(): TargetKernel {
  return running();
}

/** The types of a module; undefined where they cannot be read: no program that does without them is to fail for it. */
export function readableBtf(bytes: Uint8Array, base: Btf): Btf | undefined {
  try {
    return Btf.parse(bytes, { base, trusted: true });
  } catch (error) {
    if (error instanceof BpfError) return undefined;
    throw error;
  }
}

/** What names of system calls start with on kernels whose system calls take a pt_regs, by processor (Linux 4.17). */
const wrapperPrefixes: Readonly<Record<string, string>> = {
  x64: '__x64_sys_',
  arm64: '__arm64_sys_',
  riscv64: '__riscv_sys_',
};

const hasSyscallWrapper = lazy((): boolean => {
  const prefix = wrapperPrefixes[process.arch];
  return prefix !== undefined && kernelSymbols([`${prefix}bpf`]).has(`${prefix}bpf`);
});

/**
 * The kernel's function of a system call: `__x64_sys_nanosleep`. Where system calls take their arguments as such
 * (before Linux 4.17, and on processors without wrappers) it is `__se_sys_nanosleep`.
 *
 * @throws BpfError PRIVILEGE_MISSING where the kernel hides its symbols
 */
export function syscallFunction(name: string): string {
  return `${hasSyscallWrapper() ? wrapperPrefixes[process.arch] : '__se_sys_'}${name}`;
}
