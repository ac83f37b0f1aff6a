import { type BpfError } from '../errors';

/** One thing that a program asks of the kernel's types or configuration. */
export interface Requirement {
  /** Kind of a CO-RE relocation (`byte_off`, `field_exists`...), or what else is needed. */
  readonly kind: string;
  /** `struct task_struct.comm`, `bpf_ct_release`, `CONFIG_HZ`, `sched_process_exec`. */
  readonly name: string;
  /**
   * `found`, or `absent`: the kernel does not have it, and the program is told so; or `missing`. `open`: only a running
   * kernel knows.
   */
  readonly state: 'found' | 'absent' | 'missing' | 'open';
  /** What goes into the program, or where it was found. */
  readonly answer: string | undefined;
  /** Why the program cannot be relocated, whatever it does; undefined where only reaching the instruction is wrong. */
  readonly error: BpfError | undefined;
  /** The instruction of the linked program that asks. */
  readonly insn: number | undefined;
  /** C source of the instruction. */
  readonly file: string | undefined;
  readonly line: number | undefined;
}
