export { acceleration } from './acceleration';
export { type Entry } from './cpio';
export { runGuest, type Architecture, type Guest, type Outcome } from './guest';
export { machineFiles, moduleFiles, sharedFiles, type BootKernel } from './initramfs';
