export { kernelPackages } from './kernel-packages';
export {
  fails,
  verdictName,
  type Answered,
  type Finding,
  type KernelVerdict,
  type ProgramVerdict,
} from './verdict';
export { loadEach, type LoadLevel, type LoadVerdict } from './loads';
export { loadInMachines, type MachineLevel, type MachineVerdict } from './in-machines';
export { recordFile, writeRecord } from './record';
export { verify, type VerifyInput } from './verify';
export { contextOf } from './run-context';
export { returnNameOf, runnableAs } from './runnable';
export { openKernel, type NamedKernel } from './target-kernel';
