import path from 'node:path';
import { BpfError } from '@nx-bpf/loader';
import { type ProjectConfig } from '../manifest';
import { type LockedKernel } from './lock-entry';
import { lockFile, readLockFile } from './lock-file';

/** What the lock file says of the kernel packages that a manifest names. */
export interface KernelLock {
  /** By the name in the manifest, in which * stands for anything. */
  readonly kernels: Readonly<Record<string, LockedKernel>>;
  /** Only these packages may be used. */
  readonly frozen: boolean;
}

/**
 * What the lock file of a workspace says of kernel packages.
 *
 * @throws BpfError LOCK_MISMATCH for a file that is no lock file
 */
export function readKernelLock(
  { workspaceRoot }: Pick<ProjectConfig, 'workspaceRoot'>,
  frozen: boolean,
): KernelLock {
  const { kernels = {} } = readLockFile(path.join(workspaceRoot, lockFile)) ?? {};
  return { kernels, frozen };
}

/** The package to use for a name in the manifest: where only what is locked may be used, that; else the name as it is. */
export function lockedName({ kernels, frozen }: KernelLock, pattern: string): string {
  return frozen && Object.hasOwn(kernels, pattern) ? kernels[pattern]!.package : pattern;
}

/**
 * Refuses a package that is not the one that is locked, where only that may be used.
 *
 * @param note told of the same version with other bytes, where anything may be used
 * @throws BpfError LOCK_MISMATCH
 */
export function checkKernelLock(
  { kernels, frozen }: KernelLock,
  pattern: string,
  found: LockedKernel,
  note: (text: string) => void,
): void {
  const locked = Object.hasOwn(kernels, pattern) ? kernels[pattern] : undefined;
  const text = ({ package: name, version, sha256 }: LockedKernel): string =>
    `${name} ${version}, SHA-256 ${sha256}`;
  if (locked === undefined && frozen) {
    throw new BpfError('LOCK_MISMATCH', `kernel package ${pattern} is not in ${lockFile}`, {
      path: lockFile,
      found: text(found),
      hint: 'if this is meant, nx-bpf lock records it',
    });
  }
  if (locked === undefined || text(locked) === text(found)) return;
  if (frozen) {
    throw new BpfError('LOCK_MISMATCH', `kernel package ${pattern} is not what ${lockFile} says`, {
      path: lockFile,
      found: text(found),
      expected: text(locked),
      hint: 'if this is meant, nx-bpf lock records it; if not, remove it from the cache, and ask who changed the package',
    });
  }
  if (locked.package === found.package && locked.version === found.version)
    note(`${text(found)}: ${lockFile} has the same version with SHA-256 ${locked.sha256}`);
}
