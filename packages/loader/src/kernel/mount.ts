import { lastErrno, native } from './native';
import { succeeded } from './failure';

/** Flags of mount(2), from include/uapi/linux/mount.h. */
export const Mount = { BIND: 1 << 12, REC: 1 << 14, PRIVATE: 1 << 18 } as const;

/**
 * mount(2).
 *
 * @throws BpfError PRIVILEGE_MISSING without CAP_SYS_ADMIN, else SYSCALL_FAILED
 *
 * @example
 * ```ts
 * mount({ type: 'bpf', target: '/sys/fs/bpf' });
 * ```
 */
export function mount(what: {
  target: string;
  type?: string;
  source?: string;
  flags?: number;
  data?: string;
}): void {
  const { target, type, source = type, flags = 0, data } = what;
  const result = native().mount(source ?? null, target, type ?? null, flags, data ?? null);
  succeeded(result < 0 ? -lastErrno() : 0, `mount ${type ?? ''} on ${target}`, {
    path: target,
    needs: ['CAP_SYS_ADMIN'],
  });
}

/** umount2(2) with MNT_DETACH: gone from the tree at once, freed when nobody uses it any more. */
export function unmount(target: string): void {
  const detach = 2;
  succeeded(native().umount2(target, detach) < 0 ? -lastErrno() : 0, `umount ${target}`, {
    path: target,
    needs: ['CAP_SYS_ADMIN'],
  });
}
