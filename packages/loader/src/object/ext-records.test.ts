import { expect, test } from 'vitest';
import { ExtRecords } from './ext-records';

const record = (offset: number, id: number) => [offset, id, id, id];

test('records of a function, from its first instruction on', () => {
  const records = new ExtRecords(
    Uint32Array.from([record(0, 1), record(16, 2), record(24, 3), record(48, 4)].flat()),
  );
  expect([...records.within(16, 32)]).toEqual([record(0, 2), record(1, 3)].flat());
  expect(records.within(56, 8)).toHaveLength(0);
});

test('records out of order are sorted, and those of one instruction stay in order', () => {
  const records = new ExtRecords(Uint32Array.from([record(16, 1), record(0, 2), record(16, 3)].flat()));
  expect([...records.within(0, 24)]).toEqual([record(0, 2), record(2, 1), record(2, 3)].flat());
});
