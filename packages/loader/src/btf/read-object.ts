import { type DecodedValue } from './decoder';
import { type Reader } from './read-scalar';

type ObjectReader = Reader<{ readonly [field: string]: DecodedValue }>;

/** A reader of an object of named parts. */
export function objectReader(
  names: readonly string[],
  readers: readonly Reader<DecodedValue>[],
): ObjectReader {
  const count = names.length;
  if (names.includes('__proto__')) {
    // Assigning to that name would do something else.
    return (view, base) => Object.fromEntries(names.map((name, i) => [name, readers[i]!(view, base)]));
  }
  return (view, base) => {
    const object: Record<string, DecodedValue> = {};
    for (let i = 0; i < count; i++) object[names[i]!] = readers[i]!(view, base);
    return object;
  };
}

/**
 * The same with a place of its own in the code for each part. The engine remembers for each place which name is stored
 * and which reader called there; as long as one type alone is read so, that makes it three times as fast as the loop,
 * and with several it is no slower. For the types whose values are counted in thousands.
 *
 * @returns undefined for objects of more parts than there are places
 */
export function hotObjectReader(
  names: readonly string[],
  readers: readonly Reader<DecodedValue>[],
): ObjectReader | undefined {
  const count = names.length;
  if (count === 0 || count > 24 || names.includes('__proto__')) return undefined;
  const [
    n0 = '',
    n1 = '',
    n2 = '',
    n3 = '',
    n4 = '',
    n5 = '',
    n6 = '',
    n7 = '',
    n8 = '',
    n9 = '',
    n10 = '',
    n11 = '',
    n12 = '',
    n13 = '',
    n14 = '',
    n15 = '',
    n16 = '',
    n17 = '',
    n18 = '',
    n19 = '',
    n20 = '',
    n21 = '',
    n22 = '',
    n23 = '',
  ] = names;
  const [
    r0 = none,
    r1 = none,
    r2 = none,
    r3 = none,
    r4 = none,
    r5 = none,
    r6 = none,
    r7 = none,
    r8 = none,
    r9 = none,
    r10 = none,
    r11 = none,
    r12 = none,
    r13 = none,
    r14 = none,
    r15 = none,
    r16 = none,
    r17 = none,
    r18 = none,
    r19 = none,
    r20 = none,
    r21 = none,
    r22 = none,
    r23 = none,
  ] = readers;
  return (view, base) => {
    const object: Record<string, DecodedValue> = {};
    object[n0] = r0(view, base);
    if (count === 1) return object;
    object[n1] = r1(view, base);
    if (count === 2) return object;
    object[n2] = r2(view, base);
    if (count === 3) return object;
    object[n3] = r3(view, base);
    if (count === 4) return object;
    object[n4] = r4(view, base);
    if (count === 5) return object;
    object[n5] = r5(view, base);
    if (count === 6) return object;
    object[n6] = r6(view, base);
    if (count === 7) return object;
    object[n7] = r7(view, base);
    if (count === 8) return object;
    object[n8] = r8(view, base);
    if (count === 9) return object;
    object[n9] = r9(view, base);
    if (count === 10) return object;
    object[n10] = r10(view, base);
    if (count === 11) return object;
    object[n11] = r11(view, base);
    if (count === 12) return object;
    object[n12] = r12(view, base);
    if (count === 13) return object;
    object[n13] = r13(view, base);
    if (count === 14) return object;
    object[n14] = r14(view, base);
    if (count === 15) return object;
    object[n15] = r15(view, base);
    if (count === 16) return object;
    object[n16] = r16(view, base);
    if (count === 17) return object;
    object[n17] = r17(view, base);
    if (count === 18) return object;
    object[n18] = r18(view, base);
    if (count === 19) return object;
    object[n19] = r19(view, base);
    if (count === 20) return object;
    object[n20] = r20(view, base);
    if (count === 21) return object;
    object[n21] = r21(view, base);
    if (count === 22) return object;
    object[n22] = r22(view, base);
    if (count === 23) return object;
    object[n23] = r23(view, base);
    return object;
  };
}

const none: Reader<DecodedValue> = () => 0;
