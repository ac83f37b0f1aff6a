import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { manifestJsonSchema, manifestSchema } from './schema';

const file = path.resolve(__dirname, '../../schema.json');

test('schema.json is what tools/schema.ts writes', () => {
  expect(JSON.parse(fs.readFileSync(file, 'utf8'))).toEqual(manifestJsonSchema());
});

test('every key has a description that editors show, or holds keys that have', () => {
  const silent: string[] = [];
  const schema = manifestJsonSchema();
  const definitions = schema['$defs'] as Record<string, Record<string, unknown>>;
  /** What a node refers to, and its own keys over that. */
  const resolved = (node: Record<string, unknown>): Record<string, unknown> => {
    const { $ref, ...own } = node;
    if (typeof $ref !== 'string') return node;
    return { ...resolved(definitions[$ref.replace('#/$defs/', '')]!), ...own };
  };
  let keys = 0;
  const walk = (written: Record<string, unknown>, at: string): void => {
    const node = resolved(written);
    for (const [key, value] of Object.entries((node['properties'] ?? {}) as Record<string, never>)) {
      keys++;
      const { anyOf = [], description, ...own } = resolved(value);
      const variants = [own, ...(anyOf as Record<string, unknown>[]).map(resolved)];
      const described = description !== undefined || variants.some((variant) => 'description' in variant);
      const nested = variants.some((variant) => 'properties' in variant);
      if (!described && !nested) silent.push(`${at}.${key}`);
      for (const variant of variants) walk(variant, `${at}.${key}`);
    }
    const items = node['additionalProperties'] ?? node['items'];
    if (typeof items === 'object' && items !== null) walk(items as Record<string, unknown>, `${at}.*`);
    for (const variant of (node['anyOf'] ?? []) as Record<string, unknown>[]) walk(variant, at);
  };
  walk(schema, '');
  expect(keys).toBeGreaterThan(1000);
  expect(silent).toEqual([]);
});

test('null is allowed wherever a value is', () => {
  const nothing = {
    toolchain: null,
    maps: { a: null },
    environments: { prod: { programs: { p: { attach: null } } } },
  };
  expect(manifestSchema().safeParse(nothing).success).toBe(true);
});
