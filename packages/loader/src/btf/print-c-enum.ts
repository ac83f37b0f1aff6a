import { type Btf } from './btf';
import { BtfKind } from './kinds';
import { type CNames } from './print-c-names';

/**
 * An enum with its values, without the semicolon. Enumerators that another enum has used are renamed.
 *
 * @param indent of the line that it begins on
 */
export function defineEnum(btf: Btf, names: CNames, id: number, indent: string): string {
  const tag = names.of(id);
  const word = tag === '' ? 'enum' : `enum ${tag}`;
  // An enum that was only declared: clang lets it stay incomplete, C has no other way to write it.
  if (btf.vlen(id) === 0) return word;
  const signed = btf.kindFlag(id);
  const suffix = btf.kind(id) === BtfKind.ENUM64 ? (signed ? 'LL' : 'ULL') : '';
  const values: bigint[] = [];
  let text = `${word} {\n`;
  for (let i = 0; i < btf.vlen(id); i++) {
    const value = btf.enumValue(id, i);
    values.push(value);
    text += `${indent}\t${names.enumerator(btf.enumName(id, i))} = ${literal(value, suffix)},\n`;
  }
  return `${text}${indent}}${sizeAttribute(values, btf.size(id))}`;
}

/** The least 64-bit number has no literal of its own: a minus is an operator, and what it applies to would not fit. */
function literal(value: bigint, suffix: string): string {
  return value === -(1n << 63n) ? `(${value + 1n}${suffix} - 1)` : `${value}${suffix}`;
}

/** What gives an enum its size where a compiler would choose another one: int, or 8 bytes if a value needs them. */
function sizeAttribute(values: readonly bigint[], size: number): string {
  const smallest = [1, 2, 4].find((bytes) => fit(values, BigInt(8 * bytes))) ?? 8;
  if (size === Math.max(smallest, 4)) return '';
  if (size === smallest) return ' __attribute__((packed))';
  // A mode makes the type signed, which is no harm only because all values are small here.
  return ` __attribute__((mode(${size === 2 ? 'HI' : 'DI'})))`;
}

function fit(values: readonly bigint[], bits: bigint): boolean {
  const signed = values.some((value) => value < 0n);
  const [least, most] = signed ? [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n] : [0n, (1n << bits) - 1n];
  return values.every((value) => value >= least && value <= most);
}
