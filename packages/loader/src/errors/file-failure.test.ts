import fs from 'node:fs';
import { expect, test } from 'vitest';
import { BpfError } from './bpf-error';
import { fileFailure } from './file-failure';

function thrownBy(work: () => void): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

test('what node:fs throws becomes an error of ours, with call, places and cause', () => {
  const cause = thrownBy(() => fs.renameSync('/proc/no-such', '/proc/neither'));
  const failed = fileFailure(cause) as BpfError;
  expect(failed).toBeInstanceOf(BpfError);
  expect(failed).toMatchObject({
    code: 'FILE',
    message: 'rename /proc/no-such -> /proc/neither: ENOENT',
    fields: { path: '/proc/no-such', errno: 'ENOENT' },
    cause,
  });
  expect(fileFailure(thrownBy(() => fs.fstatSync(99_999)))).toMatchObject({
    message: 'fstat of an open file: EBADF',
  });
});

test('anything else stays what it is', () => {
  const ours = new BpfError('INTERNAL', 'x');
  for (const each of [ours, new TypeError('x'), 'x', undefined]) expect(fileFailure(each)).toBe(each);
});
