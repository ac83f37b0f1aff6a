import { readFileSync, readdirSync, statSync } from 'node:fs';
import { BpfError } from '../errors';
import { btfInfo } from './btf-info';
import { closeFd, openPath } from './fd';
import { mapMemory } from './memory';
import { allIds, fdById } from './objects';

const directory = '/sys/kernel/btf';

/**
 * The running kernel's types, as /sys/kernel/btf/vmlinux has them. The file is mapped into memory where the kernel
 * can do that (Linux 6.16: 0.3 ms against several for a read); the mapping lasts as long as the process.
 *
 * @throws BpfError KERNEL_BTF_MISSING
 *
 * @example
 * ```ts
 * Btf.parse(kernelBtfBytes(), { trusted: true }).find('task_struct', BtfKind.STRUCT);
 * ```
 */
export function kernelBtfBytes(): Uint8Array {
  const path = `${directory}/vmlinux`;
  let size: number;
  try {
    size = statSync(path).size;
  } catch (cause) {
    throw new BpfError(
      'KERNEL_BTF_MISSING',
      'the types of the running kernel are not known',
      {
        path,
        found: `no ${path}`,
        expected: 'a kernel built with CONFIG_DEBUG_INFO_BTF=y, and sysfs mounted',
        hint: 'name a BTF file of this kernel instead',
      },
      cause,
    );
  }
  return mapFile(path, size) ?? readFileSync(path);
}

function mapFile(path: string, size: number): Uint8Array | undefined {
  const fd = openPath(path);
  try {
    // The kernel refuses shared mappings of this file.
    return mapMemory(fd, size, { private: true }).bytes;
  } catch (error) {
    if (error instanceof BpfError && error.code === 'SYSCALL_FAILED') return undefined;
    throw error;
  } finally {
    closeFd(fd);
  }
}

/**
 * Names of the loaded modules that have types, sorted.
 *
 * @example
 * ```ts
 * moduleBtfNames().includes('vmlinux'); // false
 * ```
 */
export function moduleBtfNames(): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => name !== 'vmlinux')
      .sort();
  } catch {
    return [];
  }
}

/**
 * Types of a loaded module, to be read on the base of vmlinux's; undefined if it is not loaded or has none.
 *
 * @example
 * ```ts
 * moduleBtfBytes('no_such_module'); // undefined
 * ```
 */
export function moduleBtfBytes(module: string): Uint8Array | undefined {
  try {
    return readFileSync(`${directory}/${module}`);
  } catch {
    return undefined;
  }
}

/**
 * An fd of a loaded module's BTF object, as instructions and attributes need it to refer to a module's types.
 *
 * @returns undefined if no such module is loaded
 * @throws BpfError PRIVILEGE_MISSING without CAP_SYS_ADMIN
 */
export function moduleBtfFd(module: string): number | undefined {
  for (const id of allIds('btf')) {
    const fd = fdById('btf', id);
    if (fd === undefined) continue;
    const info = btfInfo(fd);
    if (info.kernel && info.name === module) return fd;
    closeFd(fd);
  }
  return undefined;
}
