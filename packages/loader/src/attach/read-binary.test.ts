import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { binarySize, readBinary } from './read-binary';

test('what cannot be read is an error of the loader, whichever call finds it', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'read-binary-'));
  try {
    const missing = path.join(directory, 'missing');
    expect(() => readBinary(missing, () => 0)).toThrow(
      expect.objectContaining({ code: 'FILE', message: expect.stringMatching(/cannot be read: ENOENT/) }),
    );
    expect(() => readBinary(directory, () => 0)).toThrow(
      expect.objectContaining({
        code: 'FILE',
        message: expect.stringContaining('found a directory, expected an ELF file'),
      }),
    );
    // Its size is 0, whatever can be read from it.
    expect(() => readBinary('/proc/self/mem', () => 0)).toThrow(
      expect.objectContaining({ code: 'ELF_MALFORMED' }),
    );
    expect(() => binarySize(missing)).toThrow(expect.objectContaining({ code: 'FILE' }));
    expect(binarySize(process.execPath)).toBeGreaterThan(1 << 20);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
