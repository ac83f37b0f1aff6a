/**
 * The bytes of an IP address in network order, 4 or 16 of them.
 *
 * @param text `192.0.2.7`, `2001:db8::1`, `::ffff:192.0.2.7`
 * @returns undefined if the text is no address
 *
 * @example
 * ```ts
 * ipBytes('10.0.0.1'); // Uint8Array.of(10, 0, 0, 1)
 * ```
 */
export function ipBytes(text: string): Uint8Array | undefined {
  return text.includes(':') ? ipv6Bytes(text) : ipv4Bytes(text);
}

/**
 * The 6 bytes of a MAC address, `02:42:ac:11:00:02` or with `-`; undefined if the text is none.
 *
 * @example
 * ```ts
 * macBytes('02:42:ac:11:00:02'); // Uint8Array.of(2, 0x42, 0xac, 0x11, 0, 2)
 * ```
 */
export function macBytes(text: string): Uint8Array | undefined {
  if (!/^[0-9a-f]{2}([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2}){4}$/i.test(text)) return undefined;
  return Uint8Array.from(text.split(/[:-]/), (part) => parseInt(part, 16));
}

/** As RFC 5952 writes an IPv6 address: the first of the longest runs of zero words, two at least, is `::`. */
export function ipv6Text(address: Uint8Array): string {
  const words = Array.from({ length: 8 }, (_, i) => (address[2 * i]! << 8) | address[2 * i + 1]!);
  let start = 0;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let zeros = 0;
    while (words[i + zeros] === 0) zeros++;
    if (zeros > length) [start, length] = [i, zeros];
  }
  const text = (part: number[]) => part.map((word) => word.toString(16)).join(':');
  if (length === 1) return text(words);
  return `${text(words.slice(0, start))}::${text(words.slice(start + length))}`;
}

function ipv4Bytes(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  const valid =
    parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
  return valid ? Uint8Array.from(parts, Number) : undefined;
}

function ipv6Bytes(text: string): Uint8Array | undefined {
  const plain = withoutIpv4Tail(text);
  const halves = plain?.split('::') ?? [];
  if (halves.length < 1 || halves.length > 2) return undefined;
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - tail.length;
  const whole = halves.length === 1 ? missing === 0 : missing >= 1;
  if (!whole || ![...head, ...tail].every((word) => /^[0-9a-f]{1,4}$/i.test(word))) return undefined;
  const words = [...head, ...new Array<string>(missing).fill('0'), ...tail].map((word) => parseInt(word, 16));
  return Uint8Array.from(words.flatMap((word) => [word >> 8, word & 0xff]));
}

/** `::ffff:192.0.2.7` with its end as two words; undefined where the end is no IPv4 address. */
function withoutIpv4Tail(text: string): string | undefined {
  if (!text.includes('.')) return text;
  const colon = text.lastIndexOf(':');
  const tail = ipv4Bytes(text.slice(colon + 1));
  if (tail === undefined) return undefined;
  const word = (i: number): string => ((tail[i]! << 8) | tail[i + 1]!).toString(16);
  return `${text.slice(0, colon + 1)}${word(0)}:${word(2)}`;
}
