import { ipBytes, macBytes } from '@nx-bpf/loader';
import { tcpFlags, type WrittenHeaders } from '../manifest';

/** Ethertypes and protocol numbers of IANA's registries. */
const ethertypes = { ipv4: 0x0800, ipv6: 0x86dd, vlan: 0x8100, experimental: 0x88b5 };
const protocols = { tcp: 6, udp: 17, none: 59 };

type Fields = Readonly<Record<string, unknown>> | undefined;

/**
 * The bytes of a packet: Ethernet, then what is named of VLAN tag, IPv4 or IPv6, TCP or UDP, then the payload. Lengths
 * and checksums are right, and each header says which one follows, unless the manifest says so.
 *
 * @example
 * ```ts
 * packetBytes({ ipv4: { source: '198.51.100.7' }, udp: { destination: 53 } }).length; // 42
 * ```
 */
export function packetBytes({ eth, vlan, ipv4, ipv6, tcp, udp, payload }: WrittenHeaders): Uint8Array {
  const data = typeof payload === 'string' ? hexBytes(payload) : Buffer.alloc(payload ?? 0);
  const transport = tcp === undefined ? (udp === undefined ? undefined : 'udp') : 'tcp';
  const protocol = protocols[transport ?? 'none'];
  let packet = data;
  if (ipv4 !== undefined || ipv6 !== undefined) {
    const [source, destination] =
      ipv4 === undefined ? addressesOf(ipv6, '2001:db8::') : addressesOf(ipv4, '192.0.2.');
    const pseudo = (length: number): Buffer =>
      ipv4 === undefined
        ? Buffer.concat([source, destination, u32(length), u32(protocol)])
        : Buffer.concat([source, destination, Buffer.of(0, protocol), u16(length)]);
    if (transport === 'tcp') packet = tcpSegment(tcp, data, pseudo);
    if (transport === 'udp') packet = udpDatagram(udp, data, pseudo);
    packet =
      ipv4 === undefined
        ? ipv6Packet(ipv6, { source, destination, protocol, packet })
        : ipv4Packet(ipv4, { source, destination, protocol, packet });
  }
  const inner =
    ipv4 === undefined ? (ipv6 === undefined ? ethertypes.experimental : ethertypes.ipv6) : ethertypes.ipv4;
  const type = number(eth, 'type', inner);
  const mac = (key: string, fallback: string): Uint8Array =>
    macBytes(((eth as Fields)?.[key] as string | undefined) ?? fallback)!;
  const head = [mac('destination', '02:00:00:00:00:02'), mac('source', '02:00:00:00:00:01')];
  const tag =
    vlan === undefined
      ? []
      : [u16(ethertypes.vlan), u16((number(vlan, 'priority', 0) << 13) | number(vlan, 'id', 1))];
  return Buffer.concat([...head, ...tag, u16(type), packet]);
}

/** Pairs of hex digits, with blanks between them or not. */
export function hexBytes(digits: string): Buffer {
  return Buffer.from(digits.replaceAll(/\s/g, ''), 'hex');
}

interface Inner {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly protocol: number;
  readonly packet: Buffer;
}

/** RFC 791, without options. */
function ipv4Packet(fields: Fields, { source, destination, protocol, packet }: Inner): Buffer {
  const header = Buffer.concat([
    Buffer.of(0x45, number(fields, 'tos', 0)),
    u16(20 + packet.length),
    Buffer.of(0, 0, 0, 0),
    Buffer.of(number(fields, 'ttl', 64), number(fields, 'protocol', protocol), 0, 0),
    source,
    destination,
  ]);
  header.writeUInt16BE(checksum(header), 10);
  return Buffer.concat([header, packet]);
}

/** RFC 8200, without extension headers. */
function ipv6Packet(fields: Fields, { source, destination, protocol, packet }: Inner): Buffer {
  return Buffer.concat([
    u32(0x60000000 + number(fields, 'tos', 0) * (1 << 20)),
    u16(packet.length),
    Buffer.of(number(fields, 'protocol', protocol), number(fields, 'ttl', 64)),
    source,
    destination,
    packet,
  ]);
}

/** RFC 9293, without options. */
function tcpSegment(fields: Fields, data: Buffer, pseudo: (length: number) => Buffer): Buffer {
  const set = (fields?.['flags'] as readonly string[] | undefined) ?? ['syn'];
  const bits = tcpFlags.reduce((all, flag, i) => (set.includes(flag) ? all | (1 << i) : all), 0);
  const segment = Buffer.concat([
    u16(number(fields, 'source', 40000)),
    u16(number(fields, 'destination', 80)),
    u32(number(fields, 'sequence', 0)),
    u32(number(fields, 'acknowledgment', 0)),
    Buffer.of(5 << 4, bits),
    u16(number(fields, 'window', 65535)),
    Buffer.alloc(4),
    data,
  ]);
  segment.writeUInt16BE(checksum(Buffer.concat([pseudo(segment.length), segment])), 16);
  return segment;
}

/** RFC 768. */
function udpDatagram(fields: Fields, data: Buffer, pseudo: (length: number) => Buffer): Buffer {
  const datagram = Buffer.concat([
    u16(number(fields, 'source', 40000)),
    u16(number(fields, 'destination', 53)),
    u16(8 + data.length),
    Buffer.alloc(2),
    data,
  ]);
  // A sum of 0 is sent as all ones: 0 says that there is none.
  datagram.writeUInt16BE(checksum(Buffer.concat([pseudo(datagram.length), datagram])) || 0xffff, 6);
  return datagram;
}

/** RFC 1071. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** 192.0.2.1 and .2, 2001:db8::1 and ::2 are addresses for documentation. */
function addressesOf(fields: Fields, network: string): [Uint8Array, Uint8Array] {
  const of = (key: string, last: number): Uint8Array =>
    ipBytes((fields?.[key] as string | undefined) ?? `${network}${last}`)!;
  return [of('source', 1), of('destination', 2)];
}

function number(fields: Fields, key: string, fallback: number): number {
  return (fields?.[key] as number | undefined) ?? fallback;
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}
