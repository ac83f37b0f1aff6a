import { type Btf } from '../btf';

/**
 * The kernel that an object is relocated against, as values. Nothing here is a file or a syscall: the caller reads
 * the running kernel, a stored BTF file or a test's own, and each member is asked only when a program needs it, so
 * an object without CO-RE, kfuncs and kernel targets never touches the 5 MB of kernel types.
 */
export interface TargetKernel {
  /** Types of vmlinux. @throws BpfError KERNEL_BTF_MISSING where there are none */
  btf(): Btf;
  /** Names of the modules whose types `moduleBtf` has; they are looked at only for what vmlinux does not have. */
  moduleNames?(): readonly string[];
  /** Split BTF of a module on the base of `btf()`; undefined if it is not there or cannot be read. */
  moduleBtf?(name: string): Btf | undefined;
  /** The kernel's configuration as written, by name: `CONFIG_HZ` is `250`, `CONFIG_BPF` is `y`, strings are quoted. */
  kconfig?(): ReadonlyMap<string, string>;
  /** Values of the externs that are no configuration: what libbpf calls virtual. Missing ones are unresolved. */
  virtual?(name: VirtualExtern): bigint | undefined;
}

/**
 * Externs of section `.kconfig` that describe the kernel although its configuration does not have them.
 * `LINUX_KERNEL_VERSION` is `KERNEL_VERSION(major, minor, patch)`; the other two are 0 or 1.
 */
export type VirtualExtern = (typeof virtualExterns)[number];

export const virtualExterns = [
  'LINUX_KERNEL_VERSION',
  'LINUX_HAS_BPF_COOKIE',
  'LINUX_HAS_SYSCALL_WRAPPER',
] as const;

/** Types of the kernel proper (`module` undefined) or of one module. */
export interface KernelTypes {
  readonly btf: Btf;
  readonly module: string | undefined;
}

/** The modules' types, one after the other; modules that cannot be read are passed over. */
export function* moduleTypes(target: TargetKernel): Generator<KernelTypes> {
  for (const module of target.moduleNames?.() ?? []) {
    const btf = target.moduleBtf?.(module);
    if (btf !== undefined) yield { btf, module };
  }
}
