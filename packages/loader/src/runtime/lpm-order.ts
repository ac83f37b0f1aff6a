/** Bytes of `prefixlen` before the data of an LPM trie's key. */
const prefixSize = 4;

/**
 * The order in which the kernel walks an LPM trie (trie_get_next_key in kernel/bpf/lpm_trie.c): a network after those
 * within it, else by the first bit that differs.
 *
 * @returns below 0 when `a` comes first, 0 for the same network
 */
export function compareNetworks(a: Uint8Array, b: Uint8Array): number {
  const lengthA = prefixLength(a);
  const lengthB = prefixLength(b);
  const shared = Math.min(lengthA, lengthB);
  const whole = prefixSize + (shared >> 3);
  for (let i = prefixSize; i < whole; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  const mask = (0xff00 >> (shared & 7)) & 0xff;
  const rest = (a[whole]! & mask) - (b[whole]! & mask);
  return mask !== 0 && rest !== 0 ? rest : lengthB - lengthA;
}

function prefixLength(key: Uint8Array): number {
  return key[0]! | (key[1]! << 8) | (key[2]! << 16) | (key[3]! << 24);
}
