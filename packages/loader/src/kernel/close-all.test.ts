import { expect, test } from 'vitest';
import { closeAll } from './close-all';

test('what fails to close keeps nothing open that comes behind it; the first error is told', () => {
  const closed: string[] = [];
  const thing = (name: string, fails: boolean) => ({
    close() {
      closed.push(name);
      if (fails) throw new Error(`${name} is stuck`);
    },
  });
  const all = [thing('a', false), thing('b', true), thing('c', true), thing('d', false)];
  expect(() => closeAll(all)).toThrow('b is stuck');
  expect(closed).toEqual(['a', 'b', 'c', 'd']);
});
