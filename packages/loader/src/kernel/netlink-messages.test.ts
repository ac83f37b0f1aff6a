import { expect, test } from 'vitest';
import { linkDumpRequest, parseLinkDump } from './netlink-messages';

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

test('interfaces with their XDP programs, and the end', () => {
  const dump = parseLinkDump(Uint8Array.from([...lo, ...eth0, ...done]));
  expect(dump).toEqual({
    interfaces: [
      { index: 1, name: 'lo', xdp: [] },
      { index: 4, name: 'eth0', xdp: [{ mode: 'generic', programId: 99 }] },
    ],
    done: true,
    interrupted: false,
    error: 0,
  });
});

test('an interrupted dump and a refusal are told', () => {
  expect(parseLinkDump(Uint8Array.from(message(NEWLINK, 0x12, link(1, []))))).toMatchObject({
    interrupted: true,
  });
  expect(parseLinkDump(Uint8Array.from(message(2, 0, [...u32(-1 >>> 0), ...u32(0)])))).toMatchObject({
    done: true,
    error: -1,
  });
});

test('a message that is cut short at any byte ends the reading', () => {
  const bytes = Uint8Array.from(eth0);
  for (let length = 0; length < bytes.length; length++) {
    expect(parseLinkDump(bytes.subarray(0, length)).interfaces).toEqual([]);
  }
});

test('the request asks for all links, without counters', () => {
  expect(linkDumpRequest().length).toBe(40);
});
