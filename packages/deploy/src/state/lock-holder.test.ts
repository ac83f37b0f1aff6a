import { expect, test } from 'vitest';
import { holderIn } from './lock-holder';

const locks = `1: POSIX  ADVISORY  WRITE 700 00:2b:41 0 EOF
2: FLOCK  ADVISORY  WRITE 811 00:2b:41 0 EOF
2: -> FLOCK  ADVISORY  WRITE 900 00:2b:42 0 EOF
3: FLOCK  ADVISORY  WRITE 0 fd:01:7 0 EOF
`;

test('who holds a lock: by device and inode, not those who wait, nor who cannot be seen', () => {
  expect(holderIn(locks, 0x2b, 41)).toBe(811);
  expect(holderIn(locks, 0x2b, 42)).toBeUndefined();
  expect(holderIn(locks, 0xfd01, 7)).toBeUndefined();
});
