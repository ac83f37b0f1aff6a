import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { expect, test } from 'vitest';

const root = path.resolve(__dirname, '../../..');

interface Collection {
  readonly collection: { readonly generators: Readonly<Record<string, unknown>> };
  readonly collectionPath: string;
}

/** What `nx migrate --run-migrations` finds a package's migrations with; it is not among what Nx exports. */
const { readMigrationCollection } = createRequire(__filename)(
  path.join(root, 'node_modules/nx/dist/src/command-line/migrate/execute-migration.js'),
) as { readMigrationCollection: (packageName: string, root: string) => Collection };

test('nx migrate finds the migrations of the plugin where its package.json says', () => {
  const { collection, collectionPath } = readMigrationCollection('@nx-bpf/plugin', root);
  const file = path.join(root, 'packages/plugin/migrations.json');
  expect(fs.realpathSync(collectionPath)).toBe(fs.realpathSync(file));
  expect(collection).toMatchObject(JSON.parse(fs.readFileSync(file, 'utf8')));
  expect(collection.generators).toBeTypeOf('object');
});
