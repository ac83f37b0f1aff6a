import { createHash } from 'node:crypto';
import { isLdImm64, setImm, slotCount, src } from './instruction';
import { PSEUDO_MAP_FD, PSEUDO_MAP_VALUE } from './opcodes';

/**
 * What the kernel computes a program's tag over: the instructions with both immediates of every map reference zeroed,
 * since a map's fd is another one at each load. Offsets into a map's value are zeroed with it: two programs on
 * different maps have the same tag. Source: `bpf_prog_calc_tag` in kernel/bpf/core.c.
 *
 * @param insns canonical instructions; left as they are
 */
export function tagInput(insns: Uint8Array): Uint8Array {
  const input = insns.slice();
  const count = slotCount(input);
  for (let i = 0; i < count; i++) {
    if (!isLdImm64(input, i)) continue;
    const source = src(input, i);
    if ((source === PSEUDO_MAP_FD || source === PSEUDO_MAP_VALUE) && i + 1 < count) {
      setImm(input, i, 0);
      setImm(input, i + 1, 0);
    }
    i++;
  }
  return input;
}

/**
 * The tag that a kernel shows for a program: the first 8 bytes of a digest of `tagInput`, as 16 hex digits.
 *
 * @param insns canonical instructions, linked and relocated as they are given to the kernel
 * @param algorithm `sha256` since Linux 6.18, `sha1` before
 *
 * @example
 * ```ts
 * const insns = Uint8Array.of(0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);
 * tag(insns, 'sha256'); // '614b434cd8324ecc'
 * ```
 */
export function tag(insns: Uint8Array, algorithm: 'sha1' | 'sha256'): string {
  return createHash(algorithm).update(tagInput(insns)).digest('hex').slice(0, 16);
}
