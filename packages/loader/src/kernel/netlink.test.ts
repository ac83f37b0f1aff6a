import { expect, test } from 'vitest';
import { networkInterfaces, routeDump } from './netlink';
import { Netlink, netlinkMessage } from './netlink-format';

/** Behind the last type of rtnetlink(7). */
const unknownType = 4000;

test('the interfaces are listed; a list that the kernel refuses is an error, not an empty list', () => {
  expect(networkInterfaces()[0]?.name).toBe('lo');
  const request = netlinkMessage(unknownType, Netlink.F_REQUEST | Netlink.F_DUMP, new Uint8Array(20));
  expect(() => routeDump(request, 'list nothing')).toThrow(
    expect.objectContaining({
      code: 'SYSCALL_FAILED',
      message: expect.stringMatching(/^cannot list nothing: /),
    }),
  );
});
