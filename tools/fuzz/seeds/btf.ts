import { ElfFile } from '../../../packages/loader/src/elf';
import { compile } from '../../testing/compile';
import { btfSample } from '../../testing/btf';
import { seedObjects } from './objects';

/** Every kind of type, and every way in which a member can lie, in both byte orders; and what the corpus has. */
export async function seedBtf(): Promise<readonly Uint8Array[]> {
  const samples = [false, true].map((bigEndian) => compile(btfSample, { bigEndian }));
  const objects = (await seedObjects()).map(({ bytes }) => bytes);
  return [...samples, ...objects].flatMap((bytes) => sectionOfObject(bytes, '.BTF'));
}

/** A copy of a section, if the object has it. */
export function sectionOfObject(bytes: Uint8Array, name: string): Uint8Array[] {
  const section = ElfFile.parse(bytes, { object: 'seed.o' }).section(name);
  return section === undefined ? [] : [section.data.slice()];
}
