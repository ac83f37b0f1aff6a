import { type Btf } from './btf';
import { BtfKind, IntEncoding } from './kinds';

/** Words that C's arithmetic types are made of, in whatever order a compiler's debug information has them. */
const words = /^(?:(?:char|short|int|long|signed|unsigned|float|double|_Bool|__int128)(?: |$))+$/;

/** What a type of a size is called in C for BPF, where `long` has 8 bytes. */
const bySize: Readonly<Record<number, string>> = {
  1: 'char',
  2: 'short',
  4: 'int',
  8: 'long',
  16: '__int128',
};
const floatBySize: Readonly<Record<number, string>> = { 4: 'float', 8: 'double' };

/**
 * Name of an INT or FLOAT in C. Names that only other compilers, targets or languages know (`bool` of C23, `__bf16`,
 * `DW_ATE_unsigned_8`) are replaced by those of the same size.
 */
export function arithmeticName(btf: Btf, id: number): string {
  const kind = btf.kind(id);
  const name = btf.name(id);
  const size = kind === BtfKind.INT || kind === BtfKind.FLOAT ? btf.size(id) : 0;
  if (kind === BtfKind.FLOAT) {
    // `long double` has 16 bytes on x86, but 8 on BPF: an array has the size, and nobody can use the value anyway.
    return floatBySize[size] ?? `struct { char value[${size}]; }`;
  }
  if (words.test(name)) return name;
  const encoding = kind === BtfKind.INT ? btf.intEncoding(id) : 0;
  if (encoding & IntEncoding.BOOL) return '_Bool';
  const base = bySize[size] ?? 'int';
  return encoding & IntEncoding.SIGNED ? base : `unsigned ${base}`;
}
