export { requireMachine } from './require-machine';
export { acceleration } from './acceleration';
export { type Entry } from './cpio';
export { runGuest, type Architecture, type Guest, type Outcome } from './guest';
export { insertedModules, machineFiles, moduleFiles, sharedFiles, type BootKernel } from './initramfs';
