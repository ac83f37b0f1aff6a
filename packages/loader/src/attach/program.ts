/**
 * What attaching needs to know of a loaded program. The programs of `loadFile` and `Program.open` are such values;
 * so is `{ fd, name, type }` of a program that came from elsewhere.
 */
export interface AttachableProgram {
  readonly fd: number;
  /** For messages. */
  readonly name: string;
  /** `enum bpf_prog_type`. */
  readonly type: number;
  /** `expected_attach_type` it was loaded with; the kernel does not tell it again. */
  readonly attachType?: number | undefined;
  /** Its section name, without a leading '?': `tp/sched/sched_process_exec`. */
  readonly section?: string | undefined;
  /** What followed the slash in its section name: `sched/sched_process_exec`. */
  readonly target?: string | undefined;
}
