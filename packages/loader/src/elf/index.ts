export * from './constants';
export { ElfFile } from './elf-file';
export { type Relocations } from './relocations';
export { type ElfSection } from './section';
export { type SymbolTable } from './symbol-table';
