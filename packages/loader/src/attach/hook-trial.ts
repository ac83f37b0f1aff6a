import { Errno, linkCreate, linkKprobes, rawTracepointOpen, type Capability } from '../kernel';
import { ProgramType } from '../object';
import { kprobeMultiCauses, trampolineCauses, uprobeMultiCauses, type Causes } from './causes';
import { type Attachment } from './attachment';
import { type AttachableProgram } from './program';
import {
  kernelFunction,
  loadByBtf,
  loadNothing,
  trialName,
  type BtfTarget,
  type TrialProgram,
} from './trial-programs';

/** How it is found out whether a kernel lets programs of a hook be loaded and attached. */
export interface HookTrial {
  /** Loads a program that does nothing. @returns its fd or the negative error number */
  readonly load: () => number;
  /**
   * Attaches it: to something that nobody else uses, or to nothing, which a kernel with the hook finds out and one
   * without it does not get as far as. @returns a descriptor of what was made, 0, or the negative error number
   */
  readonly attach: (program: number) => number;
  /** The errors which tell that the hook is there, and the target is not. */
  readonly there: readonly number[];
  /** What the process needs for both. */
  readonly needs: readonly Capability[];
  /** What a refusal means. */
  readonly causes: Causes;
}

/** No file descriptor and no interface has these numbers. */
export const noFd = 0xffffffff;
export const noInterface = 0x7fffffff;

export const network: readonly Capability[] = ['CAP_BPF', 'CAP_NET_ADMIN'];
export const tracing: readonly Capability[] = ['CAP_BPF', 'CAP_PERFMON'];

/** By BPF_LINK_CREATE on a descriptor that is none. */
export function onNoFd(
  type: number,
  attachType: number,
  causes: Causes,
  needs: readonly Capability[] = network,
): HookTrial {
  return {
    load: () => loadNothing({ prog_type: type, expected_attach_type: attachType }),
    attach: (program) => linkCreate({ prog_fd: program, target: noFd, attach_type: attachType }),
    there: [Errno.EBADF],
    needs,
    causes,
  };
}

/** By BPF_LINK_CREATE on an interface that is none. */
export function onNoInterface(attachType: number, causes: Causes): HookTrial {
  return {
    load: () => loadNothing({ prog_type: ProgramType.sched_cls }),
    attach: (program) => linkCreate({ prog_fd: program, target: noInterface, attach_type: attachType }),
    there: [Errno.ENODEV],
    needs: network,
    causes,
  };
}

/** On what the program was loaded for, for a moment. */
export function onItsTarget(target: BtfTarget, attributes: TrialProgram, causes: Causes): HookTrial {
  return {
    load: () => loadByBtf(target, attributes),
    attach: (program) => rawTracepointOpen(program),
    there: [],
    needs: tracing,
    causes,
  };
}

/** A function that runs only when BPF_PROG_TEST_RUN tries a tracing program (net/bpf/test_run.c). */
export const testFunction = 'bpf_fentry_test1';

export function onFunction(attachType: number): HookTrial {
  const attributes = { prog_type: ProgramType.tracing, expected_attach_type: attachType };
  return onItsTarget(kernelFunction(testFunction), attributes, trampolineCauses);
}

/** By a function of this room, for a moment. */
export function briefly(
  attach: (program: AttachableProgram) => Pick<Attachment, 'close'>,
  causes: Causes,
  there: readonly number[] = [],
): HookTrial {
  return {
    load: () => loadNothing({ prog_type: ProgramType.kprobe }),
    attach: (fd) => {
      attach({ fd, name: trialName, type: ProgramType.kprobe }).close();
      return 0;
    },
    there,
    needs: tracing,
    causes,
  };
}

/** A system call that hardly ever comes, and runs a program that does nothing if it does. */
export const rareCall = { syscall: 'swapoff' };

/** A place in a file that is read as text and never run: this one. */
export const inNoCode = { binary: __filename, offset: 0 };

export function onManyFunctions(attachType: number, returns = false): HookTrial {
  return {
    load: () => loadNothing({ prog_type: ProgramType.kprobe, expected_attach_type: attachType }),
    attach: (program) => linkKprobes(program, attachType, { functions: [testFunction], returns }),
    there: [Errno.ESRCH],
    needs: tracing,
    causes: kprobeMultiCauses,
  };
}

/** On a directory, which has no code. */
export function onManyPlaces(attachType: number, flags = 0): HookTrial {
  const places = { path: '/', offsets: new Uint8Array(8), cnt: 1, flags };
  return {
    load: () => loadNothing({ prog_type: ProgramType.kprobe, expected_attach_type: attachType }),
    attach: (program) => linkCreate({ prog_fd: program, attach_type: attachType }, 'uprobe_multi', places),
    there: [Errno.EBADF],
    needs: tracing,
    causes: uprobeMultiCauses,
  };
}
