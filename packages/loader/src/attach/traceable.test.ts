import { expect, test } from 'vitest';
import { parseAddresses, withAddresses } from './traceable';

test('functions that can be traced, with the addresses that the kernel lists', () => {
  const text = 'ffffffff81000010 vfs_read\nffffffffa0000000 nft_do_chain [nf_tables]\n';
  expect(parseAddresses(text)).toEqual([
    { name: 'vfs_read', address: 0xffffffff81000010n },
    { name: 'nft_do_chain', address: 0xffffffffa0000000n },
  ]);
});

test('of functions that share a name all are taken, or none where not all can be traced', () => {
  const addresses = new Map([
    ['once', [1n]],
    ['twice', [2n, 3n]],
    ['one_of_two', [4n, 5n]],
  ]);
  const names = ['once', 'twice', 'twice', 'one_of_two', 'gone'];
  expect(withAddresses(names, () => addresses)).toEqual([
    { name: 'once', address: 1n },
    { name: 'twice', address: 2n },
    { name: 'twice', address: 3n },
  ]);
});
