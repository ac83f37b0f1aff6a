import { systemText } from './system-file';

/** Bit numbers of include/uapi/linux/capability.h, those that BPF asks for. */
const bits = {
  CAP_DAC_READ_SEARCH: 2,
  CAP_NET_ADMIN: 12,
  CAP_SYS_PTRACE: 19,
  CAP_SYS_ADMIN: 21,
  CAP_SYSLOG: 34,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
} as const;

export type Capability = keyof typeof bits;

/** Rights of this process, as the kernel's checks on BPF see them. */
export interface Privileges {
  /** Effective capabilities among those that BPF asks for. */
  readonly effective: ReadonlySet<Capability>;
  /** In a user namespace of its own, where capabilities are good for nothing that BPF does. */
  readonly userNamespace: boolean;
}

/**
 * Effective capabilities of this process, from /proc/self/status (proc(5)). Asked anew each time, since a process
 * can drop them.
 *
 * @example
 * ```ts
 * privileges().effective.has('CAP_BPF'); // true, as root
 * ```
 */
export function privileges(): Privileges {
  const status = systemText('/proc/self/status');
  return {
    effective: effectiveCapabilities(status),
    userNamespace: inUserNamespace(systemText('/proc/self/uid_map')),
  };
}

/** Capabilities in the `CapEff` line of a /proc/PID/status. */
export function effectiveCapabilities(status: string): Set<Capability> {
  const line = /^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0';
  const mask = BigInt(`0x${line}`);
  const names = Object.keys(bits) as Capability[];
  return new Set(names.filter((name) => ((mask >> BigInt(bits[name])) & 1n) === 1n));
}

/** The initial user namespace maps every id to itself. */
function inUserNamespace(uidMap: string): boolean {
  return !/^\s*0\s+0\s+4294967295\s*$/.test(uidMap);
}

/**
 * Which of the wanted capabilities this process lacks. CAP_SYS_ADMIN stands for CAP_BPF, CAP_PERFMON and CAP_SYSLOG
 * (include/linux/capability.h), not for CAP_NET_ADMIN.
 *
 * @example
 * ```ts
 * missingCapabilities(['CAP_BPF', 'CAP_NET_ADMIN'], { effective: new Set(['CAP_SYS_ADMIN']), userNamespace: false });
 * // ['CAP_NET_ADMIN']
 * ```
 */
export function missingCapabilities(wanted: readonly Capability[], have: Privileges): Capability[] {
  const bySysAdmin: readonly Capability[] = ['CAP_BPF', 'CAP_PERFMON', 'CAP_SYSLOG'];
  return wanted.filter(
    (capability) =>
      !have.effective.has(capability) &&
      !(have.effective.has('CAP_SYS_ADMIN') && bySysAdmin.includes(capability)),
  );
}
