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
import { Broken } from './target';

/** What is done with an object once it is relocated, up to where the kernel is asked. */
export function useRelocated(relocated: RelocatedObject): void {
  const stored = encodeRelocated(relocated);
  if (text(relocated) !== text(decodeRelocated(stored)))
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

/** The same for values that mean the same: fields in the order of their names, none that is undefined. */
function text(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === 'bigint') return `${item}n`;
    if (item instanceof Uint8Array) return Buffer.from(item).toString('latin1');
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return item;
    return Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
