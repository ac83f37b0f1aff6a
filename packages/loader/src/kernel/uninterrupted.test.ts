import { expect, test } from 'vitest';
import { Errno } from './errno';
import { lastErrno, native } from './native';
import { uninterrupted } from './uninterrupted';

test('a call is made again while it is interrupted, and only then', () => {
  const { koffi } = native();
  const answers = [Errno.EINTR, Errno.EINTR, 0, Errno.EPERM];
  const call = (): number => {
    const errno = answers.shift()!;
    koffi.errno(errno);
    return errno === 0 ? 7 : -1;
  };
  expect(uninterrupted(call)).toBe(7);
  expect(answers).toEqual([Errno.EPERM]);
  expect([uninterrupted(call), lastErrno()]).toEqual([-1, Errno.EPERM]);
});
