import { expect, test } from 'vitest';
import {
  attributeNumber,
  attributeText,
  Netlink,
  netlinkAttribute,
  netlinkAttributes,
  netlinkError,
  netlinkMessage,
  netlinkMessages,
} from './netlink-format';
import { linkDumpRequest, readInterface } from './netlink-messages';

/** Little-endian words of 16 or 32 bits, as `[bits, value]`. */
function message(type: number, flags: number, payload: number[]): number[] {
  const length = 16 + payload.length;
  return [...u32(length), ...u16(type), ...u16(flags), ...u32(1), ...u32(0), ...payload];
}
const u16 = (value: number) => [value & 0xff, value >> 8];
const u32 = (value: number) => [...u16(value & 0xffff), ...u16(value >>> 16)];
const attribute = (type: number, payload: number[]) => {
  const padding = new Array<number>((4 - (payload.length % 4)) % 4).fill(0);
  return [...u16(4 + payload.length), ...u16(type), ...payload, ...padding];
};
const text = (value: string) => [...Buffer.from(`${value}\0`)];
const link = (index: number, attributes: number[]) => [
  0,
  0,
  ...u16(1),
  ...u32(index),
  ...u32(0),
  ...u32(0),
  ...attributes,
];

const NEWLINK = 16;
const eth0 = message(
  NEWLINK,
  2,
  link(4, [
    ...attribute(3, text('eth0')),
    ...attribute(0x8000 | 43, [...attribute(2, [2]), ...attribute(6, u32(99))]),
  ]),
);
const lo = message(NEWLINK, 2, link(1, attribute(3, text('lo'))));
const done = message(3, 2, u32(0));

const interfaces = (bytes: Uint8Array) => [...netlinkMessages(bytes)].flatMap(readInterface);

test('interfaces with their XDP programs, and the end', () => {
  const bytes = Uint8Array.from([...lo, ...eth0, ...done]);
  expect(interfaces(bytes)).toEqual([
    { index: 1, name: 'lo', xdp: [] },
    { index: 4, name: 'eth0', xdp: [{ mode: 'generic', programId: 99 }] },
  ]);
  expect([...netlinkMessages(bytes)].map(({ type }) => type)).toEqual([NEWLINK, NEWLINK, Netlink.DONE]);
});

test('a message that is cut short at any byte ends the reading', () => {
  const bytes = Uint8Array.from(eth0);
  for (let length = 0; length < bytes.length; length++) {
    expect(interfaces(bytes.subarray(0, length))).toEqual([]);
  }
});

test('the request asks for all links, without counters', () => {
  expect(linkDumpRequest().length).toBe(40);
});

const request = netlinkMessage(44, 5, new Uint8Array(20), netlinkAttribute(1, 'bpf'));

/** The kernel's answer to the request: an error number, what it repeats of the request, and attributes. */
const answer = (flags: number, error: number, repeated: Uint8Array, ...attributes: Uint8Array[]) =>
  netlinkMessage(Netlink.ERROR, flags, Uint8Array.from(u32(error >>> 0)), repeated, ...attributes);

const TLVS = 0x200;
const CAPPED = 0x100;

test.each([
  [
    'a refusal, with the request and words',
    TLVS,
    -17,
    request,
    [netlinkAttribute(1, 'Exclusivity')],
    'Exclusivity',
  ],
  ['a refusal without words', 0, -22, request, [], ''],
  [
    'a warning after success',
    TLVS | CAPPED,
    0,
    request.subarray(0, 16),
    [netlinkAttribute(1, 'Mind')],
    'Mind',
  ],
  ['other attributes alone', TLVS, -22, request, [netlinkAttribute(2, 7)], ''],
])('the kernel says why: %s', (_, flags, error, repeated, attributes, text) => {
  const [message] = netlinkMessages(answer(flags, error, repeated, ...attributes));
  expect(netlinkError(message!)).toEqual({ error, text });
});

test('an answer that is cut short at any byte has no words, or none at all', () => {
  const [message] = netlinkMessages(answer(TLVS, -17, request, netlinkAttribute(1, 'Exclusivity')));
  const { body } = message!;
  for (let length = 0; length < body.length - 1; length++) {
    const cut = netlinkError({ ...message!, body: body.subarray(0, length) });
    expect(cut).toEqual({ error: length < 4 ? 0 : -17, text: '' });
  }
});

test('attributes are padded, and nested ones are found again', () => {
  const bytes = netlinkAttribute(2, [netlinkAttribute(7, 'odd'), netlinkAttribute(6, 0x01020304)]);
  expect(bytes.length).toBe(4 + 8 + 8);
  const [[type, value]] = [...netlinkAttributes(bytes)] as [readonly [number, Uint8Array]];
  const inside = new Map(netlinkAttributes(value));
  expect([type, attributeText(inside.get(7)), attributeNumber(inside.get(6))]).toEqual([
    2,
    'odd',
    0x01020304,
  ]);
});
