import { isIP } from 'node:net';
import { expect, test } from 'vitest';
import { ipBytes, macBytes } from '.';

test.each([
  ...[
    '10.0.0.1',
    '255.255.255.255',
    '0.0.0.0',
    '010.0.0.1',
    '1.2.3',
    '1.2.3.4.5',
    '256.0.0.1',
    '1.2.3.-4',
    '',
  ],
  ...['::', '::1', '1::', '2001:db8::7', '1:2:3:4:5:6:7:8', '::ffff:192.0.2.1', '1:2:3:4:5:6:1.2.3.4'],
  ...[
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    ':1',
    '1:',
    ':::',
    '::12345',
    '::g',
    '1:2:3:4:5:6:7:1.2.3.4',
  ],
  ...['1.2.3.4::', '::1.2.3.400', '1::2:3:4:5:6:7:8', 'x', '1.2.3.4 ', '0x10.1.1.1'],
])("'%s' is an address exactly if Node says so", (text) => {
  expect(ipBytes(text)?.length).toBe({ 0: undefined, 4: 4, 6: 16 }[isIP(text)]);
});

test('the bytes are in network order', () => {
  expect([...ipBytes('192.0.2.7')!]).toEqual([192, 0, 2, 7]);
  expect([...ipBytes('2001:db8::ff:1')!]).toEqual([
    0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0, 1,
  ]);
  expect([...ipBytes('::ffff:1.2.3.4')!.subarray(10)]).toEqual([0xff, 0xff, 1, 2, 3, 4]);
});

test('MAC addresses', () => {
  expect([...macBytes('02:42:AC:11:00:fe')!]).toEqual([2, 0x42, 0xac, 0x11, 0, 0xfe]);
  expect([...macBytes('02-42-ac-11-00-fe')!]).toEqual([2, 0x42, 0xac, 0x11, 0, 0xfe]);
  for (const text of [
    '02:42:ac:11:00',
    '02:42-ac:11:00:fe',
    '2:42:ac:11:00:fe',
    '02:42:ac:11:00:fg',
    '0242ac1100fe',
  ])
    expect(macBytes(text)).toBeUndefined();
});
