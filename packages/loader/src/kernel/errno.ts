import { errnoTable } from './errno-table';

const byNumber = new Map(errnoTable.map((row) => [row[0], row] as const));
const byName = new Map(errnoTable.map((row) => [row[1], row[0]] as const));

/**
 * Name of an error number.
 *
 * @example
 * ```ts
 * errnoName(22); // 'EINVAL'
 * errnoName(999); // 'errno 999'
 * ```
 */
export function errnoName(number: number): string {
  return byNumber.get(number)?.[1] ?? `errno ${number}`;
}

/** What strerror(3) would say of an error number. */
export function errnoText(number: number): string {
  return byNumber.get(number)?.[2] ?? 'unknown error';
}

/** Number of an error name, 0 if there is none of that name. */
export function errnoNumber(name: string): number {
  return byName.get(name) ?? 0;
}

/** The error numbers that the loader decides on, by name. */
export const Errno = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  E2BIG: 7,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENODEV: 19,
  ENOTDIR: 20,
  EINVAL: 22,
  ENOSPC: 28,
  ENOSYS: 38,
  EPROTO: 71,
  ENOPROTOOPT: 92,
  EOPNOTSUPP: 95,
  EPFNOSUPPORT: 96,
  EAFNOSUPPORT: 97,
  ENOTSUPP: 524,
} as const;
