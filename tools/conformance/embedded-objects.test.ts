import { expect, test } from 'vitest';
import { compile } from '../testing/compile';
import { embeddedObjects } from './embedded-objects';

const object = Buffer.from(compile('int answer(void) { return 42; }'));

test('a file that is an object is found whole', () => {
  expect(embeddedObjects(object)).toEqual([object]);
});

test('objects inside another file are found, each with its own bytes', () => {
  const other = Buffer.from(compile('int question(void) { return 6 * 9; }'));
  const around = Buffer.from('something else');
  expect(embeddedObjects(Buffer.concat([around, object, around, other, around]))).toEqual([object, other]);
});

test('a truncated object and an executable are none', () => {
  expect(embeddedObjects(object.subarray(0, object.length - 1))).toEqual([]);
  const executable = Buffer.from(object);
  executable.writeUInt16LE(62, 18);
  expect(embeddedObjects(executable)).toEqual([]);
});
