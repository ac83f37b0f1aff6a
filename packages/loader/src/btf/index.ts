export { Btf, type BtfOptions } from './btf';
export { BtfKind, IntEncoding, kindName, Linkage } from './kinds';
export { essentialName } from './essential-name';
export { BtfExt, CORE_RELOCATION_WORDS, FUNC_INFO_WORDS, LINE_INFO_WORDS } from './btf-ext';
