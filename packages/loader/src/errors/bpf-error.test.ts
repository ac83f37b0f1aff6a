import { expect, test } from 'vitest';
import { BpfError } from './bpf-error';

test('a message is one line with what to do at its end; after several lines that is a line of its own', () => {
  const fields = { found: '0', expected: 'at least 1', hint: 'set max_entries' };
  expect(new BpfError('MAP_INVALID', "map 'hits'", fields).message).toBe(
    "map 'hits': found 0, expected at least 1; set max_entries",
  );
  expect(new BpfError('COMPILE_FAILED', 'no:\na.c:1:1: error: b', { hint: 'name a header' }).message).toBe(
    'no:\na.c:1:1: error: b\nname a header',
  );
});
