import { expect, test } from 'vitest';
import { systemFile, systemText } from './system-file';

test('a file of the kernel; one that is not there is an error of ours', () => {
  expect(systemText('/proc/self/status')).toMatch(/^Name:/);
  expect(() => systemFile('/proc/self/no-such-file')).toThrow(
    expect.objectContaining({
      code: 'FILE',
      fields: expect.objectContaining({ path: '/proc/self/no-such-file', errno: 'ENOENT' }),
    }),
  );
});
