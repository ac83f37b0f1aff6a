import { type Btf, BtfKind, IntEncoding } from '../../btf';

/** What an extern of section `.kconfig` can hold: a type of C that a value of the kernel's configuration fits into. */
export type KconfigType =
  | { readonly kind: 'bool' }
  /** `enum libbpf_tristate`: 0 is no, 1 yes, 2 module; `size` in bytes. */
  | { readonly kind: 'tristate'; readonly size: number }
  /** One byte: a small integer, or the letter `y`, `m` or `n`. */
  | { readonly kind: 'char'; readonly signed: boolean }
  | { readonly kind: 'int'; readonly size: number; readonly signed: boolean }
  /** Text with a NUL at its end, cut to `size` bytes. */
  | { readonly kind: 'text'; readonly size: number };

/** Reads the type of an extern; undefined for types that no value of a configuration can have. */
export function kconfigType(btf: Btf, typeId: number): KconfigType | undefined {
  const id = btf.resolve(typeId);
  switch (btf.kind(id)) {
    case BtfKind.INT:
      return intType(btf, id);
    case BtfKind.ENUM:
    case BtfKind.ENUM64:
      return btf.name(id) === 'libbpf_tristate' ? { kind: 'tristate', size: btf.size(id) } : undefined;
    case BtfKind.ARRAY: {
      const size = btf.arrayLength(id);
      const isText = kconfigType(btf, btf.arrayElement(id))?.kind === 'char';
      return isText && size > 0 ? { kind: 'text', size } : undefined;
    }
    default:
      return undefined;
  }
}

function intType(btf: Btf, id: number): KconfigType | undefined {
  const size = btf.size(id);
  const encoding = btf.intEncoding(id);
  if ((encoding & IntEncoding.BOOL) !== 0) return size === 1 ? { kind: 'bool' } : undefined;
  const signed = (encoding & IntEncoding.SIGNED) !== 0;
  if (size === 1) return { kind: 'char', signed };
  return size <= 8 ? { kind: 'int', size, signed } : undefined;
}
