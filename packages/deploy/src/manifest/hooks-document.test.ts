import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { hookNames } from './hooks';
import { loadProject } from './load-project';

const document = fs.readFileSync(path.resolve(__dirname, '../../../../docs/hooks.md'), 'utf8');
const [, example = ''] = /^```yaml\n(.*?)^```$/ms.exec(document) ?? [];

test('docs/hooks.md has an attachment to every hook that a manifest can name, and each of them is one', () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'hooks-document-'));
  try {
    fs.mkdirSync(path.join(root, 'p'));
    fs.writeFileSync(path.join(root, 'p/bpf.config.yaml'), example);
    const { programs, structOps } = loadProject({ workspaceRoot: root });
    const named = Object.values(programs).flatMap(({ attach }) => attach.map(({ hook }) => hook));
    expect([...new Set(named)].sort()).toEqual([...hookNames].sort());
    expect(structOps).toEqual({
      congestion: { object: 'all', map: 'my_congestion_control', optional: true },
    });
  } finally {
    fs.rmSync(root, { recursive: true });
  }
});
