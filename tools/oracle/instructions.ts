import { dst, imm, imm64, isLdImm64, off, opcode, src } from '../../packages/loader/src/asm';
import { PSEUDO_MAP_FD, PSEUDO_MAP_VALUE } from '../../packages/loader/src/asm';

/** Kernel text and rodata: addresses from here on are the same for every load of one boot. */
const kernelImage = 0xffffffff80000000n;
/** Where the upper half of the address space begins. */
const kernelSpace = 0xffff800000000000n;

/**
 * Translated instructions as lines, `opcode dst src off imm`, in which nothing depends on the order of loading:
 * a map's id is its name, with the offset into its value; the address of an object that the verifier put into the
 * code (a timer's program, for one) is the word `pointer`.
 */
export function instructionLines(instructions: Uint8Array, mapName: (id: number) => string): string[] {
  const lines: string[] = [];
  for (let i = 0; i < instructions.byteLength / 8; i++) {
    const head = `${opcode(instructions, i).toString(16).padStart(2, '0')} ${dst(instructions, i)} ${src(instructions, i)} ${off(instructions, i)}`;
    if (!isLdImm64(instructions, i)) {
      lines.push(`${head} ${imm(instructions, i)}`);
    } else {
      lines.push(`${head} ${wideOperand(instructions, i, mapName)}`);
      i++;
    }
  }
  return lines;
}

function wideOperand(instructions: Uint8Array, i: number, mapName: (id: number) => string): string {
  const kind = src(instructions, i);
  if (kind === PSEUDO_MAP_FD) return `map ${mapName(imm(instructions, i))}`;
  if (kind === PSEUDO_MAP_VALUE) return `map ${mapName(imm(instructions, i))} + ${imm(instructions, i + 1)}`;
  const value = BigInt.asUintN(64, imm64(instructions, i));
  return value >= kernelSpace && value < kernelImage ? 'pointer' : `0x${value.toString(16)}`;
}
