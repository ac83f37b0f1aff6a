export { type BundledObject } from './bundle-index';
export { lockDifferences, lockEntry, type LockEntry, type LockedObject } from './lock-entry';
export { checkLock, lockFile, updateLock } from './lock-file';
export { readBundle, type OpenBundle } from './read-bundle';
export { relocateForKernels, type BundledRelocation, type KernelTypesFile } from './relocate-for-kernels';
export { writeBundle } from './write-bundle';
