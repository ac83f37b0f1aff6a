import { expect, test } from 'vitest';
import { agrees, compare } from './compare';
import { type Verdict } from './verdict';

const loaded = (maxEntries: number): Verdict => ({
  outcome: 'loaded',
  held: { maps: { hits: { maxEntries } } },
});
const refused: Verdict = { outcome: 'refused', by: 'kernel', errno: 'EINVAL', reason: 'no' };
const timeout: Verdict = { outcome: 'timeout' };

test.each([
  ['same result', loaded(1), loaded(1), true],
  ['different result', loaded(1), loaded(2), false],
  ['both refuse', refused, refused, true],
  ['only libbpf loads', loaded(1), refused, false],
  ['only we load', refused, loaded(1), false],
  ['not judged', timeout, loaded(1), true],
  ['not judged', refused, timeout, true],
])('%s', (agreement, peer, ours, isAgreement) => {
  expect(compare(peer, ours).agreement).toBe(agreement);
  expect(agrees(compare(peer, ours).agreement)).toBe(isAgreement);
});

test('a different result says where', () => {
  expect(compare(loaded(1), loaded(2)).differences).toEqual(['maps.hits.maxEntries: 1 | 2']);
});
