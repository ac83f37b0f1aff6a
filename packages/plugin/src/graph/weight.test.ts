import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';

test('what Nx loads with every command has neither the loader nor the schema in it', () => {
  const root = path.resolve(__dirname, '../../../..');
  const script = `
    require('./tools/run-source.js');
    require('./packages/plugin/src/index.ts');
    console.log(Object.keys(require.cache).join('\\n'));`;
  const loaded = execFileSync(process.execPath, ['-e', script], { cwd: root, encoding: 'utf8' }).split('\n');
  expect(loaded).toContain(path.join(root, 'packages/deploy/src/manifest/discover.ts'));
  expect(
    loaded.filter((file) =>
      /koffi|node_modules\/zod|packages\/(loader\/src\/index|deploy\/src\/index)/.test(file),
    ),
  ).toEqual([]);
});
