import { disassemble, tag } from '../../packages/loader/src/asm';
import { Btf } from '../../packages/loader/src/btf';
import {
  constantsDigest,
  decodeRelocated,
  encodeRelocated,
  instructionsDigest,
  mapAbiDigest,
  reachOf,
  type RelocatedObject,
} from '../../packages/loader/src/relocate';
import { sortedText } from './sorted-text';
import { Broken } from './target';

/** What is done with an object once it is relocated, up to where the kernel is asked. */
export function useRelocated(relocated: RelocatedObject): void {
  const stored = encodeRelocated(relocated);
  if (sortedText(relocated) !== sortedText(decodeRelocated(stored)))
    throw new Broken('a relocated object differs once it is stored and read again');
  const types = relocated.btf === undefined ? undefined : Btf.parse(relocated.btf);
  constantsDigest(relocated);
  for (const map of relocated.maps) mapAbiDigest(map, types);
  for (const program of relocated.programs) {
    disassemble(program.instructions, {});
    tag(program.instructions, 'sha256');
    instructionsDigest(program.instructions);
    reachOf(relocated, program)(0);
  }
}
