import type { MapSpec, VariableSpec } from '../object';

/**
 * An object after relocation against one kernel's types: everything that is the same for every boot of that kernel.
 * What changes between boots or hosts stays a symbol (a `Binding`), so this value can be cached, printed and moved.
 */
export interface RelocatedObject {
  readonly name: string;
  /** Byte order of the contents of maps and of constants; instructions and types are little endian always. */
  readonly littleEndian: boolean;
  readonly license: string;
  readonly kernelVersion: number;
  /** BTF to load beside the maps and programs, undefined if the object has none. */
  readonly btf: Uint8Array | undefined;
  readonly maps: readonly MapSpec[];
  readonly programs: readonly RelocatedProgram[];
  readonly variables: readonly VariableSpec[];
}

export interface RelocatedProgram {
  readonly name: string;
  /** Index into `ObjectSpec.functions`: what slots of prog arrays refer to. */
  readonly function: number;
  readonly section: string;
  readonly autoload: boolean;
  readonly type: number | undefined;
  readonly attachType: number;
  readonly attachTypeOptional: boolean;
  readonly flags: number;
  readonly target: string | undefined;
  /** What the target is in the kernel's BTF. */
  readonly attach: AttachTarget | undefined;
  /** The main function and, behind it, every subprogram it reaches, in libbpf's order. */
  readonly instructions: Uint8Array;
  /** What only a running kernel can fill in, by instruction index. */
  readonly bindings: readonly Binding[];
  /** `struct bpf_func_info` and `struct bpf_line_info` records (8 and 16 bytes), empty without BTF. */
  readonly funcInfo: Uint8Array;
  readonly lineInfo: Uint8Array;
  /** CO-RE relocations and weak kfuncs that found nothing: their instruction is a call to an invalid helper, and only reaching it is an error. */
  readonly poisoned: readonly PoisonedRelocation[];
}

/** `attach_btf_id`, and the module whose BTF it is in (undefined: vmlinux). */
export interface AttachTarget {
  readonly typeId: number;
  readonly module: string | undefined;
}

/** What goes into an instruction at load time. `data` and `map` keep the upper 32 bits of the immediate. */
export type Binding =
  | { readonly kind: 'map'; readonly insn: number; readonly map: string }
  | { readonly kind: 'data'; readonly insn: number; readonly map: string }
  /** ld_imm64 of the address of a kernel symbol from kallsyms; 0 when it is weak and missing. */
  | { readonly kind: 'ksym'; readonly insn: number; readonly symbol: string; readonly weak: boolean }
  /** ld_imm64 of a jump table: its targets are instructions of the program. */
  | { readonly kind: 'jump-table'; readonly insn: number; readonly targets: readonly number[] }
  /** BTF fd of a module: upper half of a typed ksym's immediate. vmlinux needs none. */
  | { readonly kind: 'module-ksym'; readonly insn: number; readonly module: string }
  /** Call of a kfunc in a module: `off` is an index into the program's fd_array. vmlinux needs none. */
  | { readonly kind: 'module-kfunc'; readonly insn: number; readonly module: string };

export interface PoisonedRelocation {
  readonly insn: number;
  /** `byte_off`, `enumval_value`...; `kfunc` for a call of a weak kfunc that the kernel does not have. */
  readonly kind: string;
  /** `struct task_struct.no_such_field`, or the kfunc's name. */
  readonly target: string;
  /** The accessor as written: `0:3:1`; '' for a kfunc. */
  readonly access: string;
  /** Why: `this kernel does not have it`. */
  readonly reason: string;
  /** C source of the instruction, where line info has it. */
  readonly file: string | undefined;
  readonly line: number | undefined;
}
