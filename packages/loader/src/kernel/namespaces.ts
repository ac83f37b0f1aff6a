import { lastErrno, native } from './native';
import { succeeded } from './failure';

/** Flags of unshare(2) and setns(2), from include/uapi/linux/sched.h. */
export const Namespace = { MOUNT: 0x00020000, NETWORK: 0x40000000 } as const;

/**
 * unshare(2): this thread gets namespaces of its own.
 *
 * @throws BpfError PRIVILEGE_MISSING without CAP_SYS_ADMIN
 */
export function unshare(flags: number): void {
  succeeded(native().unshare(flags) < 0 ? -lastErrno() : 0, 'unshare', { needs: ['CAP_SYS_ADMIN'] });
}

/**
 * setns(2): this thread enters the namespace behind an fd (of /proc/PID/ns/net, or /run/netns/NAME).
 *
 * @throws BpfError PRIVILEGE_MISSING without CAP_SYS_ADMIN
 */
export function setNamespace(fd: number, type: number): void {
  succeeded(native().setns(fd, type) < 0 ? -lastErrno() : 0, 'setns', { needs: ['CAP_SYS_ADMIN'] });
}

/** Index of a network interface in this thread's network namespace; 0 if there is none of that name. */
export function interfaceIndex(name: string): number {
  return native().if_nametoindex(name);
}
