import { type Documented } from './collect';

/** Examples that are type-checked and not run, and why. */
export const onlyTyped: Readonly<Record<string, string>> = {
  attachFentry: 'needs a kernel with trampolines: tools/features attaches it on those',
  attachFexit: 'needs a kernel with trampolines',
  attachFmodRet: 'needs a kernel with trampolines',
  attachFreplace: 'needs a kernel with trampolines',
  attachLsm: 'needs a kernel with trampolines',
  attachNetkit: 'needs a kernel with netkit devices: tools/features attaches it on one',
  libraryInCache: 'needs a C library at a certain place',
  attachKprobe: 'needs a kernel with kprobes: tools/features attaches it on those',
  attachKretprobe: 'needs a kernel with kprobes',
  attachKprobeMulti: 'needs a kernel with kprobes',
  attachKretprobeMulti: 'needs a kernel with kprobes',
  attachKprobeSession: 'needs a kernel with kprobes',
  EventLink: 'needs a kernel with kprobes',
  attachKsyscall: 'needs a kernel with kprobes',
  attachKretsyscall: 'needs a kernel with kprobes',
  UsdtLinks: 'needs pins of such links',
  attachIter: 'needs a program that writes',
  iterate: 'needs the link of an iterator',
  iterText: 'needs the link of an iterator',
  attachSkMsg: 'needs a sockmap',
  attachSkSkb: 'needs a sockmap',
  loadFile: 'waits for events without end',
  mount: 'mounts',
  structOpsStruct: 'needs an object with one',
  structOpsValue: 'needs a struct_ops that this kernel knows',
  apply: 'deploys',
  destroy: 'removes what is deployed',
  planProject: 'asks for what is deployed',
  repair: 'repairs what is deployed',
  rollback: 'goes back to what was deployed',
  status: 'asks for what is deployed',
  run: 'deploys',
  verify: 'looks at the kernels of a project',
  makePlan: 'takes what an object, a ledger and the kernel hold',
};

/** Where an example runs: in examples.test.ts, in examples.kernel.test.ts, or in neither. */
export type Place = 'anywhere' | 'kernel' | 'nowhere';

const kernelRooms = ['kernel', 'load', 'attach', 'runtime'];

export function whereItRuns({ name, room }: Documented): Place {
  if (name in onlyTyped) return 'nowhere';
  return kernelRooms.includes(room) ? 'kernel' : 'anywhere';
}
