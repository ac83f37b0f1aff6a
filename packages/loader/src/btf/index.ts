export { Btf, type BtfOptions } from './btf';
export { BtfExt, CORE_RELOCATION_WORDS, FUNC_INFO_WORDS } from './btf-ext';
export {
  BtfBuilder,
  type EnumeratorInit,
  type MemberInit,
  type ParamInit,
  type SectionEntry,
} from './builder';
export { compileConversion, type Conversion, type ConversionOptions, type TypeOf } from './conversion';
export { type IntegerPlace } from './conversion-steps';
export { withDatasecLayout, type DatasecLayout } from './datasec-layout';
export { decodeValue } from './decode-value';
export { decoderOf, type DecodedValue } from './decoder';
export { encodeValue, type EncodeOptions } from './encode-value';
export { essentialName } from './essential-name';
export { integersOf } from './integers';
export { BtfKind, IntEncoding, kindName, Linkage } from './kinds';
export { btfWithout, needsOfBtf, type BtfNeed } from './older-kernels';
export { printC, type PrintCOptions } from './print-c';
export { littleEndianBytes } from './words';
export { typeLayout } from './type-layout';
