import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { identifier, source, templateNames } from './templates';

const schema = (generator: string): { properties: Record<string, { enum?: string[] }> } =>
  JSON.parse(fs.readFileSync(path.join(__dirname, generator, 'schema.json'), 'utf8'));

test('the generators offer the templates that there are', () => {
  expect(schema('project').properties['template']!.enum).toEqual(templateNames);
  expect(schema('program').properties['type']!.enum).toEqual(templateNames);
});

test.each(templateNames)('%s: one program, under the name asked for', (template) => {
  const text = source(template, 'edge_guard');
  expect(text.match(/^(int edge_guard\(|int BPF_PROG\(edge_guard)/gm)).toHaveLength(1);
  expect(text).not.toContain('program_name');
});

test('a name becomes a C identifier', () => {
  expect(['edge-guard', '2fast', 'x.y', 'plain_1'].map(identifier)).toEqual([
    'edge_guard',
    '_2fast',
    'x_y',
    'plain_1',
  ]);
});
