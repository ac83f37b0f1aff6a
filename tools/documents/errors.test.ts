import fs from 'node:fs';
import { errorCodes } from '@nx-bpf/loader';
import { expect, test } from 'vitest';

test('docs/errors.md has every error code with its exit status, a cause and a remedy', () => {
  const text = fs.readFileSync('docs/errors.md', 'utf8');
  const rows = [...text.matchAll(/^\| *`([A-Z_]+)` *\| *(\d+) *\| *(.*?) *\| *(.*?) *\|$/gm)].map(
    ([, code, status, cause, remedy]) => ({ code: code!, status: Number(status), cause, remedy }),
  );
  expect(Object.fromEntries(rows.map(({ code, status }) => [code, status]))).toEqual(errorCodes);
  expect(rows).toHaveLength(Object.keys(errorCodes).length);
  for (const { cause, remedy } of rows) {
    expect(cause!.length).toBeGreaterThan(10);
    expect(remedy!.length).toBeGreaterThan(5);
  }
});
