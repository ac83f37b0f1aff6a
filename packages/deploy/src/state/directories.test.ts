import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createDirectories } from './directories';

test('directories are made outermost first; where one cannot be made, those above it that were go again', () => {
  const home = fs.mkdtempSync(path.join(tmpdir(), 'nx-bpf-test-'));
  try {
    const [a, b] = [path.join(home, 'a'), path.join(home, 'a', 'b')];
    expect(() => createDirectories(path.join(b, 'x'.repeat(300), 'c'), 0o700)).toThrow('ENAMETOOLONG');
    expect(fs.readdirSync(home)).toEqual([]);
    expect(createDirectories(b, 0o700)).toEqual([a, b]);
    expect(createDirectories(b, 0o700)).toEqual([]);
  } finally {
    fs.rmSync(home, { recursive: true });
  }
});
