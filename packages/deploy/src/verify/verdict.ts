/** What is to be said of a program and a kernel beside that all is well. */
export interface Finding {
  /**
   * `missing`: the program cannot be loaded there, or not be attached. `unsure`: something is missing, and whether the
   * program comes to it could not be told. `guarded`: something is missing that the program does not come to. `open`:
   * only the running kernel knows.
   */
  readonly state: 'missing' | 'unsure' | 'guarded' | 'open';
  /** Code of the error that loading would end with; null where the verifier or attaching is what refuses. */
  readonly code: string | null;
  /** `byte_off`, `kfunc`, `helper`, `attach type`... */
  readonly kind: string;
  readonly name: string;
  readonly message: string;
  readonly insn: number | null;
  /** Relative to the workspace. */
  readonly file: string | null;
  readonly line: number | null;
}

/** What a program is asked for, and what became of it. */
export interface Answered {
  readonly kind: string;
  readonly name: string;
  readonly state: string;
  readonly answer: string | null;
  readonly insn: number | null;
  readonly file: string | null;
  readonly line: number | null;
}

/** A program against a kernel, without that kernel running. */
export interface ProgramVerdict {
  /** By the manifest. */
  readonly program: string;
  /** Which of its variants; null: it has none. */
  readonly variant: string | null;
  /** Conditions of the variant that are known not to hold on the kernel: it is not used there. */
  readonly unmet: readonly string[];
  /** It is this verdict by which the program is for the kernel, or not: of variants one at most. */
  readonly decides: boolean;
  readonly object: string;
  readonly function: string;
  /** Necessary for loading, and not sufficient: the verifier has not seen it. */
  readonly relocates: 'yes' | 'no' | 'unsure';
  /** Whether the kernel has what its attachments need; null for a program that is only loaded. */
  readonly attaches: 'yes' | 'no' | null;
  readonly findings: readonly Finding[];
  readonly requirements: readonly Answered[];
}

/** A kernel, and every program of the project against it. */
export interface KernelVerdict {
  readonly kernel: string;
  readonly required: boolean;
  readonly source: string;
  readonly release: string | null;
  readonly sha256: string | null;
  readonly success: boolean;
  readonly programs: readonly ProgramVerdict[];
}

/** Whether a program or variant is for the kernel, as far as can be told. */
export function passes({ relocates, attaches }: Pick<ProgramVerdict, 'relocates' | 'attaches'>): boolean {
  return relocates === 'yes' && attaches !== 'no';
}

/** Whether a program is not for the kernel by this verdict. */
export function fails(verdict: ProgramVerdict): boolean {
  return verdict.decides && (verdict.unmet.length > 0 || !passes(verdict));
}

/** `execs`, or `execs (old)` of a variant. */
export function verdictName({ program, variant }: Pick<ProgramVerdict, 'program' | 'variant'>): string {
  return variant === null ? program : `${program} (${variant})`;
}
