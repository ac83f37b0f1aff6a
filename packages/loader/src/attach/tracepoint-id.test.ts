import { expect, test } from 'vitest';
import { parseTracepoint } from './tracepoint-id';

test.each(['sched/sched_switch', 'sched:sched_switch'])('%s names a tracepoint', (text) => {
  expect(parseTracepoint(text)).toEqual({ category: 'sched', name: 'sched_switch' });
});

test.each(['sched_switch', 'sched/', '/sched_switch', 'a/b/c', ''])("'%s' does not", (text) => {
  expect(() => parseTracepoint(text)).toThrow(
    expect.objectContaining({
      code: 'TRACEPOINT_NOT_FOUND',
      message: `'${text}' does not name a tracepoint: expected CATEGORY/NAME, such as sched/sched_process_exec`,
    }),
  );
});
