import type { Btf } from '../btf';

/**
 * What an object file says, before anything is asked of a kernel: plain data, the same on every machine.
 * Instructions are in one canonical form (`asm`: 8-byte slots, little endian) whatever the file's byte order.
 */
export interface ObjectSpec {
  /** File name without directory and without `.o`, `.bpf.o`: what kernel names of data-section maps start with. */
  readonly name: string;
  readonly littleEndian: boolean;
  /** Contents of the `license` section, '' if there is none. */
  readonly license: string;
  /** Contents of the `version` section; 0 if there is none, 0xfffffffe means "ask the kernel". */
  readonly kernelVersion: number;
  /** The object's own types, sizes and offsets of its DATASECs already fixed up from the symbols. */
  readonly btf: Btf | undefined;
  /** In the order in which libbpf creates them: legacy and BTF-defined maps, data sections, kconfig, struct_ops. */
  readonly maps: readonly MapSpec[];
  /** Functions that are entry points, in the order of section and offset. Each names one of `functions`. */
  readonly programs: readonly ProgramSpec[];
  /** Every function of every executable section, in the order of section and offset. */
  readonly functions: readonly FunctionSpec[];
  /** Global variables of the data sections, by section and offset. */
  readonly variables: readonly VariableSpec[];
  /** Undefined symbols that something refers to, by name. */
  readonly externs: readonly ExternSpec[];
}

/** Where a map's definition comes from. */
export type MapOrigin = 'btf' | 'legacy' | 'data' | 'kconfig' | 'struct_ops' | 'arena';

export interface MapSpec {
  /** Full name: the symbol's, or for a data section the ELF section's (`.rodata`, `.data.foo`). */
  readonly name: string;
  /** What the kernel is given: at most 15 bytes of [A-Za-z0-9_.]; `edge.rodata` for object `edge`'s `.rodata`. */
  readonly kernelName: string;
  readonly origin: MapOrigin;
  /** ELF section of the definition or of the data. */
  readonly section: string;
  /** `enum bpf_map_type`. */
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  /** As defined: 0 where it is left to the deployment, or sized by the loader (perf event arrays). */
  readonly maxEntries: number;
  /**
   * `map_flags` of BPF_MAP_CREATE. Data sections with a variable that is neither static nor hidden have BPF_F_MMAPABLE,
   * those that are frozen BPF_F_RDONLY_PROG.
   */
  readonly flags: number;
  readonly numaNode: number | undefined;
  readonly mapExtra: bigint;
  /** `LIBBPF_PIN_BY_NAME`. */
  readonly pinByName: boolean;
  /** Ids in the object's BTF, 0 where there is none. */
  readonly keyTypeId: number;
  readonly valueTypeId: number;
  /** Template of a map-in-map's inner maps. */
  readonly inner: MapSpec | undefined;
  /** Initial slots of a prog array or a map-in-map, by index; programs in the members of a struct_ops, by offset. */
  readonly slots: readonly MapSlot[];
  /** Initial contents of a data section's single value, `valueSize` bytes; undefined where it is all zero or no data map. Of an
   * arena, its variables: however many bytes they are. */
  readonly data: Uint8Array | undefined;
  /** Frozen once filled: `.rodata*` and `.kconfig`. */
  readonly frozen: boolean;
  /** Only of maps with origin `struct_ops`: `data` is then the variable, and each slot's index an offset in it. */
  readonly structOps?: StructOpsSpec | undefined;
}

/**
 * What a variable in `.struct_ops` asks of the kernel. Relocation turns the map's `valueSize`, `data` and slots from
 * the struct that the object declares into the one that the kernel has.
 */
export interface StructOpsSpec {
  /** BTF id of the variable's struct in the object. */
  readonly typeId: number;
  /** False for `?.struct_ops` and `?.struct_ops.link`: made only when one of its programs is asked for by name. */
  readonly autocreate: boolean;
  /** `bpf_struct_ops_<name>` in the kernel's BTF, and the module it is of; undefined before relocation. */
  readonly kernelType: { readonly typeId: number; readonly module: string | undefined } | undefined;
}

/** Slot `index` of a map holds another map, or a program. */
export type MapSlot =
  { readonly index: number; readonly map: string } | { readonly index: number; readonly function: number };

export interface ProgramSpec {
  /** The function's name: unique among the programs of an object. */
  readonly name: string;
  /** Index into `ObjectSpec.functions`. */
  readonly function: number;
  /** As written, without a leading '?'. */
  readonly section: string;
  /** False for `SEC("?...")`: loaded only when asked for by name. */
  readonly autoload: boolean;
  /** `enum bpf_prog_type`; undefined when the section name says nothing: the caller may still set a type. */
  readonly type: number | undefined;
  /** `expected_attach_type`, 0 where there is none. */
  readonly attachType: number;
  /** The kernel may ignore or refuse the expected attach type on old versions: then it is left out. */
  readonly attachTypeOptional: boolean;
  /** `prog_flags` that the section name asks for: BPF_F_SLEEPABLE, BPF_F_XDP_HAS_FRAGS. */
  readonly flags: number;
  /** What follows the slash: `sched_process_exec` in `tp_btf/sched_process_exec`. */
  readonly target: string | undefined;
  /** The target must be found in the kernel's BTF: prefix of the type's name there, and its kind. */
  readonly btfTarget: BtfTarget | undefined;
}

/** How a program's target is looked up in the kernel's BTF. */
export interface BtfTarget {
  /** `btf_trace_`, `bpf_lsm_`, `bpf_iter_` or ''. */
  readonly prefix: string;
  readonly kind: 'func' | 'typedef';
}

export interface FunctionSpec {
  readonly name: string;
  readonly section: string;
  /** Bytes into the section. */
  readonly offset: number;
  readonly instructions: Uint8Array;
  readonly binding: 'local' | 'global' | 'weak';
  /** STV_HIDDEN or STV_INTERNAL: verified as a static function although it is global. */
  readonly hidden: boolean;
  /** What instructions refer to, by instruction index. */
  readonly references: readonly Reference[];
  /** BTF id of the FUNC, 0 without BTF. */
  readonly typeId: number;
  /** `bpf_line_info` records of this function as 4 words each: instruction index, file name, line, line << 10 | column (string offsets in the object's BTF). */
  readonly lineInfo: Uint32Array;
  /** `bpf_core_relo` records of this function as 4 words each: instruction index, type id, access string, kind. */
  readonly coreRelocations: Uint32Array;
}

/**
 * What an instruction refers to by name. The instruction itself already carries the right `src_reg` for its kind,
 * and for data references the offset in its upper immediate; what is missing is only what a kernel hands out.
 */
export type Reference =
  /** ld_imm64 of a map's address: BPF_PSEUDO_MAP_FD. */
  | { readonly kind: 'map'; readonly insn: number; readonly map: string }
  /** ld_imm64 of a variable's address in a data section's map: BPF_PSEUDO_MAP_VALUE, offset in the second slot. */
  | { readonly kind: 'data'; readonly insn: number; readonly map: string }
  /** Call of another BPF function: BPF_PSEUDO_CALL. `function` is an index into `ObjectSpec.functions`. */
  | { readonly kind: 'call'; readonly insn: number; readonly function: number }
  /** ld_imm64 of a function's address: BPF_PSEUDO_FUNC. */
  | { readonly kind: 'function'; readonly insn: number; readonly function: number }
  /** ld_imm64 of a jump table's address: BPF_PSEUDO_MAP_VALUE. Its targets are bytes from the start of the function. */
  | { readonly kind: 'jump-table'; readonly insn: number; readonly targets: readonly number[] }
  /** ld_imm64 of, or call to, something undefined in the object. `extern` is an index into `ObjectSpec.externs`. */
  | { readonly kind: 'extern'; readonly insn: number; readonly extern: number };

export interface VariableSpec {
  readonly name: string;
  /** Name of the map that holds it: its section, or the arena's. */
  readonly map: string;
  readonly offset: number;
  readonly size: number;
  /** BTF id of its type (not of the VAR), 0 without BTF. */
  readonly typeId: number;
  readonly binding: 'local' | 'global' | 'weak';
  readonly hidden: boolean;
}

export interface ExternSpec {
  readonly name: string;
  /** Where it is declared: `.kconfig`, `.ksyms`, or undefined for a plain `extern` that nothing resolves. */
  readonly section: '.kconfig' | '.ksyms' | undefined;
  readonly weak: boolean;
  /** A function (kfunc) or a variable. */
  readonly function: boolean;
  /** BTF id of its type (FUNC_PROTO for a function), 0 for an untyped ksym or without BTF. */
  readonly typeId: number;
  /** Offset in the `.kconfig` map; 0 for others. */
  readonly offset: number;
}
