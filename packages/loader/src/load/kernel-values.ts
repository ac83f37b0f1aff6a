import { BpfError } from '../errors';
import { closeFd, kernelSymbols, moduleBtfFd } from '../kernel';
import { type RelocatedProgram } from '../relocate';
import { type KernelValues } from './bind';
import { type LoadedMap } from './loaded';

/** {@link KernelValues} of a set of programs, but for the jump tables, which are a program's own, and what must be closed once they are loaded. */
export interface OpenKernelValues extends Omit<KernelValues, 'jumpTable'> {
  close(): void;
}

/**
 * Look up what the programs refer to in the running kernel: /proc/kallsyms is read once for all of them, and only if
 * one has such a reference; BTF of a module is opened when it is first asked for.
 *
 * @throws BpfError EXTERN_UNRESOLVED for a symbol that is missing or has several addresses; PRIVILEGE_MISSING
 */
export function kernelValues(
  programs: readonly RelocatedProgram[],
  maps: readonly LoadedMap[],
): OpenKernelValues {
  const fds = new Map(maps.map((map) => [map.spec.name, map.fd]));
  const offsets = new Map(maps.map((map) => [map.spec.name, map.arena?.offset ?? 0]));
  const addresses = symbolAddresses(programs);
  const modules = new Map<string, number>();
  return {
    mapFd: (map) => {
      const fd = fds.get(map);
      if (fd === undefined)
        throw new BpfError('INTERNAL', `map '${map}' is referred to, but was not loaded`, { map });
      return fd.number;
    },
    dataOffset: (map) => offsets.get(map) ?? 0,
    symbolAddress: (symbol) => addresses.get(symbol) ?? 0n,
    moduleBtfFd: (module) => {
      const known = modules.get(module) ?? openModule(module);
      modules.set(module, known);
      return known;
    },
    close: () => {
      for (const fd of modules.values()) closeFd(fd);
    },
  };
}

function openModule(module: string): number {
  const fd = moduleBtfFd(module);
  if (fd !== undefined) return fd;
  throw new BpfError('EXTERN_UNRESOLVED', `types of kernel module '${module}' are not there`, {
    symbol: module,
    hint: `the object was relocated while the module was loaded: load it (modprobe ${module}), or relocate anew`,
  });
}

function symbolAddresses(programs: readonly RelocatedProgram[]): Map<string, bigint> {
  const weakness = new Map<string, boolean>();
  for (const { bindings } of programs) {
    for (const binding of bindings) {
      if (binding.kind === 'ksym') weakness.set(binding.symbol, binding.weak);
    }
  }
  const addresses = new Map<string, bigint>();
  if (weakness.size === 0) return addresses;
  const found = kernelSymbols([...weakness.keys()].sort());
  for (const [symbol, weak] of weakness) {
    const candidates = found.get(symbol) ?? [];
    if (candidates.length > 1) {
      throw new BpfError('EXTERN_UNRESOLVED', `extern '${symbol}'`, {
        symbol,
        found: `${candidates.length} symbols of that name in /proc/kallsyms`,
        expected: 'one',
      });
    }
    if (candidates.length === 0 && !weak) {
      throw new BpfError('EXTERN_UNRESOLVED', `extern '${symbol}' is not in /proc/kallsyms`, {
        symbol,
        hint: 'declare it __weak and test its address, or build the kernel with CONFIG_KALLSYMS_ALL for variables',
      });
    }
    addresses.set(symbol, candidates[0] ?? 0n);
  }
  return addresses;
}
