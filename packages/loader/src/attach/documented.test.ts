import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { hookNames, hooks } from './hooks';

const repository = path.resolve(__dirname, '../../../..');
const read = (file: string) => readFileSync(path.join(repository, file), 'utf8');

/** The cells of a document's tables. */
const rowsOf = (file: string) =>
  read(file)
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, ...cells]) => cells);

describe('docs/hooks.md', () => {
  // The table of hooks is the one whose second column is a version.
  const rows = new Map(
    rowsOf('docs/hooks.md')
      .filter(([, since]) => /^\d/.test(since!))
      .map((row) => [row[0]!, row] as const),
  );

  test.each(hookNames)('says of %s what the table of hooks says', (name) => {
    const [, since, options, , update] = rows.get(`\`${name}\``) ?? [];
    expect([since, update]).toEqual([hooks[name].since, hooks[name].update]);
    if (options!.startsWith('as `')) return;
    const names = Object.keys(hooks[name].options);
    const place = names.includes('before') ? ['order', 'before', 'after', 'revision'] : [];
    const named = names.map((option) => (place.includes(option) ? 'place' : option));
    expect(named.filter((option) => !options!.includes(option))).toEqual([]);
  });

  test('names tests that are there', () => {
    const files = [...read('docs/hooks.md').matchAll(/`([\w-]+\.kernel\.test\.ts)`/g)].map(
      (match) => match[1]!,
    );
    expect(files.length).toBeGreaterThan(15);
    expect(files.filter((file) => !existsSync(path.join(__dirname, file)))).toEqual([]);
  });
});

describe('docs/peers.md', () => {
  const text = read('docs/peers.md');

  test('names tests that are there', () => {
    const files = [...text.matchAll(/`((?:packages|tools)\/[\w/.-]+)`/g)].map((match) => match[1]!);
    const beside = [...text.matchAll(/`((?:attach|kernel|load|runtime)\/[\w.-]+\.test\.ts)`/g)].map(
      (match) => `packages/loader/src/${match[1]!}`,
    );
    expect(beside.length).toBeGreaterThan(20);
    expect([...files, ...beside].filter((file) => !existsSync(path.join(repository, file)))).toEqual([]);
  });

  test('names features that are tried', () => {
    const { rows } = JSON.parse(read('docs/kernels.json')) as { readonly rows: readonly { name: string }[] };
    const known = new Set(rows.map(({ name }) => name));
    const named = [...text.matchAll(/feature `([^`]+)`/g)].map((match) => match[1]!);
    expect(named.length).toBeGreaterThan(15);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
  });

  test('has every hook', () => {
    expect(hookNames.filter((name) => !text.includes(`\`${hooks[name].attach.name}\``))).toEqual([]);
  });
});
