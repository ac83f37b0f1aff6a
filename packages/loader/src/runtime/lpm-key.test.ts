import { expect, test } from 'vitest';
import { lpmKey, lpmText } from './lpm-key';

test.each([
  ['10.0.0.0/8', [8, 0, 0, 0, 10, 0, 0, 0]],
  ['0.0.0.0/0', [0, 0, 0, 0, 0, 0, 0, 0]],
  ['192.0.2.255/32', [32, 0, 0, 0, 192, 0, 2, 255]],
])('%s is a key, and its text again', (network, key) => {
  expect([...lpmKey(network, 8)]).toEqual(key);
  expect(lpmText(Uint8Array.from(key))).toBe(network);
});

test.each([
  ['::/0', '::/0'],
  ['::1', '::1/128'],
  ['2001:db8::/32', '2001:db8::/32'],
  ['2001:DB8:0:0:1:0:0:1/64', '2001:db8::1:0:0:1/64'],
  ['1:0:0:2:0:0:0:3/128', '1:0:0:2::3/128'],
  ['1:2:3:4:5:6:7:0/112', '1:2:3:4:5:6:7:0/112'],
  ['fe80::/10', 'fe80::/10'],
  ['::ffff:192.0.2.1/128', '::ffff:c000:201/128'],
])('%s is a key of 20 bytes, and its text is %s', (network, text) => {
  const key = lpmKey(network, 20);
  expect(key.length).toBe(20);
  expect(lpmText(key)).toBe(text);
  expect(lpmKey(text, 20)).toEqual(key);
});

test.each(['10.0.0.0/33', '10.0.0/8', '10.0.0.0/8/8', '10.0.0.0/', '10.0.0.0/-1', '::1', 'fe80::1%eth0', ''])(
  "'%s' is no IPv4 network",
  (network) => {
    expect(() => lpmKey(network, 8)).toThrow('expected an IPv4 network such as 10.0.0.0/8');
  },
);

test('keys of another size have no text', () => {
  expect(lpmText(new Uint8Array(12))).toBeUndefined();
  expect(() => lpmKey('10.0.0.0/8', 12)).toThrow(
    'the key as an object: its 8 bytes of data are no IP address',
  );
});
