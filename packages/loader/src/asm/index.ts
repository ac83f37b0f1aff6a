export { toCanonical } from './canonical';
export { disassemble, type DisassembleOptions } from './disassemble';
export { helperNames } from './helpers';
export * from './instruction';
export * from './opcodes';
export { tag } from './tag';
