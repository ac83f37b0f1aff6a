import { bytesOfFile, ElfFile, sectionOf } from '../../../packages/loader/src/elf';
import { elfMutator } from '../mutate/elf';
import { seedObjects } from '../seeds/objects';
import { type Target } from '../target';

export const elf: Target = {
  name: 'elf',
  what: 'ELF objects: headers, sections, symbols, relocations',
  rooms: ['headers', 'symbols', 'relocations', 'section by name'],
  sources: ['elf-file', 'header', 'identify', 'relocations', 'section-of', 'symbol-table'].map(
    (name) => `packages/loader/src/elf/${name}.ts`,
  ),
  seeds: async () => (await seedObjects()).map(({ bytes }) => bytes),
  mutate: elfMutator,
  run(input, past) {
    const file = ElfFile.parse(input, { object: 'fuzz.o' });
    past(0);
    const { symbols } = file;
    for (let i = 0; i < symbols.count; i++) {
      symbols.name(i);
      symbols.value(i);
      symbols.size(i);
      symbols.section(i);
    }
    past(1);
    for (const section of file.sections) {
      const relocations = file.relocations(section);
      for (let i = 0; i < relocations.count; i++) {
        relocations.offset(i);
        relocations.type(i);
        relocations.symbol(i);
        relocations.addend(i);
      }
    }
    past(2);
    sectionOf(bytesOfFile('fuzz.o', input), '.BTF');
    past(3);
  },
};
