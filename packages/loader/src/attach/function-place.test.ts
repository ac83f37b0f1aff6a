import { expect, test } from 'vitest';
import { functionPlaceText, parseFunctionPlace } from './function-place';

test.each([
  ['do_unlinkat', 'do_unlinkat', 0, 'do_unlinkat'],
  ['do_unlinkat+0x10', 'do_unlinkat', 16, 'do_unlinkat+0x10'],
  ['do_unlinkat+16', 'do_unlinkat', 16, 'do_unlinkat+0x10'],
  ['do_unlinkat+020', 'do_unlinkat', 16, 'do_unlinkat+0x10'],
  ['do_unlinkat+0', 'do_unlinkat', 0, 'do_unlinkat'],
  ['vfs_read.isra.0+0XfF', 'vfs_read.isra.0', 255, 'vfs_read.isra.0+0xff'],
  ['nf_tables:nft_do_chain', 'nf_tables:nft_do_chain', 0, 'nf_tables:nft_do_chain'],
])('%s', (text, name, offset, shown) => {
  const place = parseFunctionPlace(text);
  expect(place).toEqual({ name, offset });
  expect(functionPlaceText(place)).toBe(shown);
});

test.each(['', '+16', 'a+', 'a+-1', 'a-1', 'a+08', 'a+0x', 'a+0x100000000', 'a b', 'a:b:c', 'vfs_*', 'a/b'])(
  "'%s' is no place",
  (text) => {
    expect(() => parseFunctionPlace(text)).toThrow(
      expect.objectContaining({
        code: 'ATTACH_FAILED',
        message: expect.stringContaining('expected FUNCTION or FUNCTION+OFFSET'),
      }),
    );
  },
);
