import { closeSync, openSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FdWatch } from './poll';

test('what epoll does not take is an error of the loader', () => {
  const fd = openSync(process.execPath, 'r');
  try {
    const watch = new FdWatch(fd, 'readable', () => undefined);
    expect(() => watch.start()).toThrow(
      expect.objectContaining({
        code: 'SYSCALL_FAILED',
        message: expect.stringMatching(/cannot be watched/),
      }),
    );
    watch.close();
  } finally {
    closeSync(fd);
  }
  expect(() => new FdWatch(fd, 'readable', () => undefined).start()).toThrow(
    expect.objectContaining({ code: 'SYSCALL_FAILED', message: expect.stringMatching(/EBADF/) }),
  );
});
