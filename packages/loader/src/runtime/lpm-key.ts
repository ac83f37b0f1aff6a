import { ipBytes, ipv6Text } from '../bytes';
import { BpfError } from '../errors';

/** Bytes of `prefixlen`, before the address, in a key of an LPM trie (struct bpf_lpm_trie_key_hdr). */
const prefixSize = 4;

/**
 * A network as the key of an LPM trie: `u32 prefixlen`, then the address in network order. An address alone is a
 * network of one.
 *
 * @param network `10.0.0.0/8`, `2001:db8::/32`, `192.0.2.7`
 * @param keySize of the map: 8 for IPv4, 20 for IPv6
 * @throws BpfError CONSTANT_INVALID for text that is no network, or one of the other family
 *
 * @example
 * ```ts
 * lpmKey('10.0.0.0/8', 8); // Uint8Array.of(8, 0, 0, 0, 10, 0, 0, 0)
 * ```
 */
export function lpmKey(network: string, keySize: number): Uint8Array {
  const bytes = keySize - prefixSize;
  const [text = '', length, ...rest] = network.split('/');
  const address = ipBytes(text);
  const prefix = length === undefined ? bytes * 8 : /^\d+$/.test(length) ? Number(length) : -1;
  if (address?.length !== bytes || rest.length > 0 || prefix < 0 || prefix > bytes * 8) {
    throw new BpfError('CONSTANT_INVALID', `'${network}' is no key of this LPM trie`, {
      symbol: network,
      expected: expectation(bytes),
    });
  }
  const key = new Uint8Array(keySize);
  new DataView(key.buffer).setUint32(0, prefix, true);
  key.set(address, prefixSize);
  return key;
}

/**
 * The text of an LPM trie's key: the reverse of {@link lpmKey}; undefined when its size is of neither family.
 *
 * @example
 * ```ts
 * lpmText(Uint8Array.of(8, 0, 0, 0, 10, 0, 0, 0)); // '10.0.0.0/8'
 * ```
 */
export function lpmText(key: Uint8Array): string | undefined {
  const prefix = new DataView(key.buffer, key.byteOffset, key.byteLength).getUint32(0, true);
  const address = key.subarray(prefixSize);
  if (address.length === 4) return `${address.join('.')}/${prefix}`;
  if (address.length === 16) return `${ipv6Text(address)}/${prefix}`;
  return undefined;
}

function expectation(bytes: number): string {
  if (bytes === 4) return 'an IPv4 network such as 10.0.0.0/8';
  if (bytes === 16) return 'an IPv6 network such as 2001:db8::/32';
  return `the key as an object: its ${bytes} bytes of data are no IP address`;
}
