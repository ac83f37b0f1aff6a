import { expect, test } from 'vitest';
import { networkInterfaces, routeDump, untilWhole } from './netlink';
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

test('an answer that is interrupted is asked for anew; one that always is, is no answer', () => {
  const answers = (interruptions: number) => {
    let asked = 0;
    return () => ({ interrupted: asked++ < interruptions, messages: [asked] });
  };
  expect(untilWhole(answers(0))).toEqual({ messages: [1] });
  expect(untilWhole(answers(9))).toEqual({ messages: [10] });
  expect(() => untilWhole(answers(10))).toThrow(
    expect.objectContaining({
      code: 'SYSCALL_FAILED',
      message: expect.stringMatching(/10 answers that changes interrupted/),
    }),
  );
});
