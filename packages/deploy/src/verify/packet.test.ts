import { expect, test } from 'vitest';
import { packetBytes } from './packet';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A right checksum makes the sum of all words all ones (RFC 1071). */
function sumOf(...parts: Uint8Array[]): number {
  const bytes = Buffer.concat(parts.map((part) => Buffer.concat([part, Buffer.alloc(part.length % 2)])));
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += bytes.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

test('Ethernet, IPv4 and UDP with a payload, byte by byte', () => {
  const packet = packetBytes({
    eth: { source: '02:42:ac:11:00:02' },
    ipv4: { source: '198.51.100.7', destination: '192.0.2.2', ttl: 3 },
    udp: { source: 1, destination: 2 },
    payload: 'de ad be',
  });
  expect(hex(packet.subarray(0, 14))).toBe('0200000000020242ac1100020800');
  expect(hex(packet.subarray(14, 24))).toBe('4500001f000000000311');
  expect(hex(packet.subarray(26, 34))).toBe('c6336407c0000202');
  expect(hex(packet.subarray(34, 40))).toBe('00010002000b');
  expect(hex(packet.subarray(42))).toBe('deadbe');
  expect(sumOf(packet.subarray(14, 34))).toBe(0xffff);
  expect(sumOf(packet.subarray(26, 34), Buffer.of(0, 17, 0, 11), packet.subarray(34))).toBe(0xffff);
});

test('a VLAN tag, IPv6 and TCP', () => {
  const packet = packetBytes({
    vlan: { id: 100, priority: 5 },
    ipv6: { source: '2001:db8::7', ttl: 1, tos: 0xb8 },
    tcp: { destination: 443, flags: ['syn', 'ack'], sequence: 0xffffffff },
    payload: 5,
  });
  expect(hex(packet.subarray(12, 18))).toBe('8100a06486dd');
  expect(hex(packet.subarray(18, 26))).toBe('6b80000000190601');
  expect(hex(packet.subarray(26, 58))).toBe(
    '20010db800000000000000000000000720010db8000000000000000000000002',
  );
  expect(hex(packet.subarray(58, 74))).toBe('9c4001bbffffffff000000005012ffff');
  expect(packet).toHaveLength(18 + 40 + 20 + 5);
  expect(sumOf(packet.subarray(26, 58), Buffer.of(0, 0, 0, 25, 0, 0, 0, 6), packet.subarray(58))).toBe(
    0xffff,
  );
});

test('what stands alone says so, and a header can say what is not so', () => {
  expect(hex(packetBytes({ ipv4: {} }).subarray(12, 24))).toBe('08004500001400000000403b');
  expect(hex(packetBytes({ ipv4: { protocol: 6 } }).subarray(23, 24))).toBe('06');
  expect(hex(packetBytes({ eth: { type: 0x0806 }, payload: '00' }).subarray(12))).toBe('080600');
  expect(hex(packetBytes({}).subarray(12))).toBe('88b5');
});
