import { expect, test } from 'vitest';
import { difference } from './difference';

test('equal values differ nowhere, whatever the order of their keys', () => {
  expect(difference({ a: [1, { b: null }], c: 'x' }, { c: 'x', a: [1, { b: null }] })).toEqual([]);
});

test('each place that differs is named with both values', () => {
  expect(difference({ a: [1, 2], b: { c: true } }, { a: [1, 3], b: { c: false } })).toEqual([
    'a.1: 2 | 3',
    'b.c: true | false',
  ]);
});

test('what one side lacks is a difference, also at the end of a list', () => {
  expect(difference({ a: [1], b: 2 }, { a: [1, 5] })).toEqual(['a.1: nothing | 5', 'b: 2 | nothing']);
});

test('null, an empty list and an empty object are three things', () => {
  expect(difference(null, {})).toEqual(['value: null | {}']);
  expect(difference({ a: [] }, { a: {} })).toEqual(['a: [] | {}']);
});
