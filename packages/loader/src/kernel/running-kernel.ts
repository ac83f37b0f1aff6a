import { Btf } from '../btf';
import { type TargetKernel } from '../relocate';
import { features, hasFeature } from './features';
import { kernelVersionCode } from './identity';
import { kernelSymbols } from './kallsyms';
import { kernelConfig } from './kconfig';
import { kernelBtfBytes, moduleBtfBytes, moduleBtfNames } from './kernel-btf';

/** A value computed when it is first asked for. */
function lazy<T>(compute: () => T): () => T {
  let value: { readonly it: T } | undefined;
  return () => (value ??= { it: compute() }).it;
}

const running = lazy((): TargetKernel => {
  const btf = lazy(() => Btf.parse(kernelBtfBytes(), { trusted: true }));
  const modules = new Map<string, Btf | undefined>();
  const virtual = {
    LINUX_KERNEL_VERSION: lazy(() => BigInt(kernelVersionCode())),
    LINUX_HAS_BPF_COOKIE: lazy(() => (hasFeature(features.cookie) === true ? 1n : 0n)),
    LINUX_HAS_SYSCALL_WRAPPER: lazy(() => (hasSyscallWrapper() ? 1n : 0n)),
  };
  return {
    btf,
    moduleNames: lazy(moduleBtfNames),
    moduleBtf: (name) => {
      if (!modules.has(name)) {
        const bytes = moduleBtfBytes(name);
        modules.set(name, bytes && Btf.parse(bytes, { base: btf(), trusted: true }));
      }
      return modules.get(name);
    },
    kconfig: lazy(kernelConfig),
    virtual: (name) => virtual[name](),
  };
});

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

/** Since Linux 4.17 system calls take a pt_regs and have the architecture in their names. */
function hasSyscallWrapper(): boolean {
  const names: Readonly<Record<string, string>> = {
    x64: 'x64',
    arm64: 'arm64',
    riscv64: 'riscv',
  };
  const name = `__${names[process.arch]}_sys_bpf`;
  return kernelSymbols([name]).has(name);
}
