/** How a field of a header is written: the most that a number may be, or a form of text. */
type Form = number | 'mac' | 'ipv4' | 'ipv6' | 'flags';

interface Header {
  readonly about: string;
  readonly fields: Readonly<Record<string, { readonly about: string; readonly form: Form }>>;
}

const port = { form: 0xffff };

/**
 * Headers that a packet of a `run` check is put together from, and those of their fields that can be said; lengths,
 * checksums, and which header follows are filled in.
 */
export const headers = {
  eth: {
    about: 'Ethernet header; it is there without being mentioned.',
    fields: {
      source: { about: 'MAC address; default 02:00:00:00:00:01.', form: 'mac' },
      destination: { about: 'MAC address; default 02:00:00:00:00:02.', form: 'mac' },
      type: { about: 'Ethertype; by default that of what follows.', form: 0xffff },
    },
  },
  vlan: {
    about: 'A VLAN tag (802.1Q) before what follows.',
    fields: {
      id: { about: 'Number of the VLAN; default 1.', form: 4095 },
      priority: { about: 'Priority code point; default 0.', form: 7 },
    },
  },
  ipv4: {
    about: 'IPv4 header.',
    fields: {
      source: { about: 'Address; default 192.0.2.1.', form: 'ipv4' },
      destination: { about: 'Address; default 192.0.2.2.', form: 'ipv4' },
      protocol: { about: 'By default that of what follows; 59 where nothing does.', form: 255 },
      ttl: { about: 'Default 64.', form: 255 },
      tos: { about: 'Default 0.', form: 255 },
    },
  },
  ipv6: {
    about: 'IPv6 header.',
    fields: {
      source: { about: 'Address; default 2001:db8::1.', form: 'ipv6' },
      destination: { about: 'Address; default 2001:db8::2.', form: 'ipv6' },
      protocol: { about: 'Next header; by default that of what follows; 59 where nothing does.', form: 255 },
      ttl: { about: 'Hop limit; default 64.', form: 255 },
      tos: { about: 'Traffic class; default 0.', form: 255 },
    },
  },
  tcp: {
    about: 'TCP header.',
    fields: {
      source: { about: 'Port; default 40000.', ...port },
      destination: { about: 'Port; default 80.', ...port },
      flags: { about: 'Of fin, syn, rst, psh, ack, urg, ece, cwr; default [syn].', form: 'flags' },
      sequence: { about: 'Sequence number; default 0.', form: 0xffffffff },
      acknowledgment: { about: 'Acknowledgment number; default 0.', form: 0xffffffff },
      window: { about: 'Default 65535.', form: 0xffff },
    },
  },
  udp: {
    about: 'UDP header.',
    fields: {
      source: { about: 'Port; default 40000.', ...port },
      destination: { about: 'Port; default 53.', ...port },
    },
  },
} as const satisfies Readonly<Record<string, Header>>;

/** Of the TCP header, from the lowest bit up. */
export const tcpFlags = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ece', 'cwr'] as const;

/** A packet as the manifest says it. */
export type WrittenHeaders = {
  readonly [H in keyof typeof headers]?: Readonly<Record<string, unknown>> | undefined;
} & { readonly payload?: string | number | undefined };
