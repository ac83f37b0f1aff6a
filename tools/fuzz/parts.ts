/** Inputs of several files: one after the other, each but the last ended by this byte. */
const END = 0xff;

export function joined(...parts: readonly (string | Uint8Array)[]): Uint8Array {
  return new Uint8Array(
    Buffer.concat(
      parts.flatMap((part, i) => [...(i > 0 ? [Uint8Array.of(END)] : []), Buffer.from(part as string)]),
    ),
  );
}

/** As many parts as asked for; those that are not there are empty. */
export function split(input: Uint8Array, count: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let at = 0;
  while (parts.length < count - 1) {
    const end = input.indexOf(END, at);
    parts.push(input.subarray(at, end < 0 ? input.length : end));
    at = end < 0 ? input.length : end + 1;
  }
  return [...parts, input.subarray(at)];
}

export function textOf(part: Uint8Array): string {
  return Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString('utf8');
}
