import { imm, imm64, setImm, setImm64, setOff } from '../asm';
import { type RelocatedProgram } from '../relocate';

/** What the running kernel gave for the symbols of a program. */
export interface KernelValues {
  /** fd of a map by name. */
  readonly mapFd: (map: string) => number;
  /** Bytes before the first variable in a map: 0 but for arenas. */
  readonly dataOffset: (map: string) => number;
  /** Address of a kernel symbol; 0 for one that is weak and missing. */
  readonly symbolAddress: (symbol: string) => bigint;
  /** fd of a jump table. */
  readonly jumpTable: (targets: readonly number[]) => number;
  /** fd of a module's BTF. */
  readonly moduleBtfFd: (module: string) => number;
}

/** A program ready for BPF_PROG_LOAD. */
export interface BoundProgram {
  readonly instructions: Uint8Array;
  /** BTF fds of modules whose kfuncs are called; call `k` of `fdArray[k]` has `off` `firstFd + k`. */
  readonly fdArray: readonly number[];
}

/**
 * Write what only this kernel knows into a copy of a program's instructions: the third step from a map's symbol to
 * its fd. A map's fd goes into the lower 32 bits of the immediate; the upper 32, the offset of a variable in its
 * section, stay as they are, but in an arena, where variables do not begin at 0.
 *
 * @param firstFd index in `fd_array` of the first module: index 0 of it means vmlinux
 */
export function bindProgram(program: RelocatedProgram, values: KernelValues, firstFd = 1): BoundProgram {
  // Not slice(): that of a Buffer shares its memory.
  const instructions = new Uint8Array(program.instructions);
  const modules: string[] = [];
  for (const binding of program.bindings) {
    const { insn } = binding;
    switch (binding.kind) {
      case 'data':
        setImm(instructions, insn + 1, (imm(instructions, insn + 1) + values.dataOffset(binding.map)) | 0);
        setImm(instructions, insn, values.mapFd(binding.map));
        break;
      case 'map':
        setImm(instructions, insn, values.mapFd(binding.map));
        break;
      case 'jump-table':
        setImm(instructions, insn, values.jumpTable(binding.targets));
        break;
      case 'ksym':
        setImm64(instructions, insn, values.symbolAddress(binding.symbol));
        break;
      case 'module-ksym':
        setImm64(
          instructions,
          insn,
          withUpper(imm64(instructions, insn), values.moduleBtfFd(binding.module)),
        );
        break;
      case 'module-kfunc':
        if (!modules.includes(binding.module)) modules.push(binding.module);
        setOff(instructions, insn, firstFd + modules.indexOf(binding.module));
        break;
    }
  }
  return { instructions, fdArray: modules.map((module) => values.moduleBtfFd(module)) };
}

/** A type id in the lower half, the fd of the BTF that it is of in the upper. */
function withUpper(value: bigint, upper: number): bigint {
  return (BigInt(upper) << 32n) | BigInt.asUintN(32, value);
}
