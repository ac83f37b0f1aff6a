import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { run } from './run';

test('64-bit numbers of a manifest are in the JSON of a result, digit for digit', async () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-run-'));
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    fs.mkdirSync(path.join(root, 'p'));
    fs.writeFileSync(path.join(root, 'bpf.config.yaml'), 'version: 1\n');
    fs.writeFileSync(
      path.join(root, 'p/bpf.config.yaml'),
      'version: 1\nobjects: { edge: { source: x.c, constants: { big: 0xffffffffffffffff, small: 7 } } }\n',
    );
    expect(await run('config', { workspaceRoot: root, project: 'p', json: true })).toMatchObject({
      exitStatus: 0,
    });
    expect(JSON.parse(write.mock.calls.map(([text]) => String(text)).join(''))).toMatchObject({
      objects: { edge: { constants: { big: '18446744073709551615', small: 7 } } },
    });
  } finally {
    write.mockRestore();
    fs.rmSync(root, { recursive: true });
  }
});
