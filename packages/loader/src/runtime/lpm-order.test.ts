import { expect, test } from 'vitest';
import { compareNetworks } from './lpm-order';
import { lpmKey, lpmText } from './lpm-key';

test('a network comes after those within it, else by the first bit that differs', () => {
  const networks = [
    '0.0.0.0/0',
    '128.0.0.0/1',
    '10.1.0.0/16',
    '10.0.0.0/8',
    '10.0.0.0/9',
    '10.255.0.1/32',
    '9.0.0.0/8',
  ];
  const keys = networks.map((network) => lpmKey(network, 8)).sort(compareNetworks);
  expect(keys.map(lpmText)).toEqual([
    '9.0.0.0/8',
    '10.1.0.0/16',
    '10.0.0.0/9',
    '10.255.0.1/32',
    '10.0.0.0/8',
    '128.0.0.0/1',
    '0.0.0.0/0',
  ]);
});

test('bits beyond the prefix do not count', () => {
  expect(compareNetworks(Uint8Array.of(9, 0, 0, 0, 10, 127), Uint8Array.of(9, 0, 0, 0, 10, 1))).toBe(0);
  expect(
    compareNetworks(Uint8Array.of(9, 0, 0, 0, 10, 128), Uint8Array.of(9, 0, 0, 0, 10, 1)),
  ).toBeGreaterThan(0);
});
