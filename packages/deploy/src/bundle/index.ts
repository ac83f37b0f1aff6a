export { type BundledObject } from './bundle-index';
export {
  lockDifferences,
  lockEntry,
  type LockEntry,
  type LockedKernel,
  type LockedObject,
} from './lock-entry';
export { checkLock, lockedObjects, lockFile, updateLock } from './lock-file';
export { checkKernelLock, lockedName, readKernelLock, type KernelLock } from './lock-kernels';
export { checkSignature, readSigningKey, type Signer, type SigningKey } from './minisign';
export { openBundle, readBundle, readBundleFile, type OpenBundle } from './read-bundle';
export { relocateForKernels, type BundledRelocation, type KernelTypesFile } from './relocate-for-kernels';
export { makeBundle, writeBundle } from './write-bundle';
