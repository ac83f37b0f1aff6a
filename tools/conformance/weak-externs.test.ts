import { expect, test } from 'vitest';
import { parseObject } from '../../packages/loader/src/object';
import { compile } from '../testing/compile';
import { withWeakExterns } from './weak-externs';

test('what an object does not define is weak in the copy, and nothing else changes', () => {
  const object = Buffer.from(
    compile(`
      extern int wanted(void) __attribute__((section(".ksyms")));
      extern int optional(void) __attribute__((section(".ksyms"), weak));
      __attribute__((section("socket"), used)) int program(void *context) { return wanted() + optional(); }
    `),
  );
  const copy = withWeakExterns(object);
  const before = parseObject(object, { name: 'o' });
  const after = parseObject(copy, { name: 'o' });
  expect(before.externs.map(({ name, weak }) => [name, weak])).toEqual([
    ['optional', true],
    ['wanted', false],
  ]);
  expect(after.externs).toEqual(before.externs.map((each) => ({ ...each, weak: true })));
  expect(after.functions).toEqual(before.functions);
});
