import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

interface ExecutorsJson {
  readonly executors: Readonly<Record<string, { readonly implementation: string; readonly schema: string }>>;
}

interface Schema {
  readonly description: string;
  readonly additionalProperties: boolean;
  readonly properties: Readonly<Record<string, { readonly description: string }>>;
}

const readJson = (file: string): unknown => JSON.parse(fs.readFileSync(path.join(plugin, file), 'utf8'));
const plugin = path.resolve(__dirname, '../..');
const { executors } = readJson('executors.json') as ExecutorsJson;

test.each(Object.entries(executors))(
  '%s: its source and its schema are where the build takes them from',
  (name, executor) => {
    expect(executor.implementation).toBe(`./dist/executors/${name}/${name}`);
    expect(executor.schema).toBe(`./dist/executors/${name}/schema.json`);
    expect(fs.existsSync(path.join(plugin, `src/executors/${name}/${name}.ts`))).toBe(true);
  },
);

/** What an executor takes beyond what all of them do. */
const own: Readonly<Record<string, readonly string[]>> = {
  build: ['watch', 'frozen', 'sarif'],
  bundle: ['out', 'frozen'],
  load: ['plan', 'watch', 'frozen'],
  report: ['out', 'level', 'frozen'],
  rollback: ['to'],
  unload: ['force'],
  status: ['repair'],
  plan: ['out', 'verify', 'detailedExitcode', 'frozen'],
  types: ['output'],
  verify: ['level', 'jobs', 'timeout', 'frozen', 'sarif'],
};

test.each(Object.keys(executors))('%s: every option is described, and an unknown one is refused', (name) => {
  const schema = readJson(`src/executors/${name}/schema.json`) as Schema;
  expect(schema.additionalProperties).toBe(false);
  expect(Object.keys(schema.properties)).toEqual(['environment', 'set', ...(own[name] ?? []), 'verbose']);
  for (const option of Object.values(schema.properties))
    expect(option.description.length).toBeGreaterThan(20);
});
