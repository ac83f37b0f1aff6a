import { expect, test } from 'vitest';
import { newerAgrees } from './explain';
import { report } from './report';
import { type Comparison } from './verdict';

const same: Comparison = {
  object: 'folder/a.bpf.o',
  program: 'count',
  agreement: 'same result',
  first: { outcome: 'loaded' },
  second: undefined,
  ours: { outcome: 'loaded' },
  differences: [],
  explanation: undefined,
};
const refusal = { outcome: 'refused', by: 'kernel', errno: 'EINVAL', reason: 'line 1\n  line 2' } as const;

test('counts agreement among what was judged, and shows each disagreement', () => {
  const text = report([
    same,
    { ...same, agreement: 'not judged' },
    { ...same, object: 'folder/c.bpf.o', agreement: 'only we load', first: refusal, explanation: 'a rule' },
    { ...same, object: 'folder/d.bpf.o', agreement: 'different result', explanation: newerAgrees },
    { ...same, object: 'folder/b.bpf.o', agreement: 'only libbpf loads', ours: refusal },
  ]);
  expect(text).toContain(
    '4 objects, 4 programs judged: 25.00 % agreement, 50.00 % with one of the two versions of libbpf, ' +
      '3 disagreements, 1 of them not explained.',
  );
  expect(text).toContain('1  folder: not judged');
  const details = text.slice(text.indexOf('## Disagreements'));
  expect(details.indexOf('folder/b.bpf.o')).toBeLessThan(details.indexOf('folder/c.bpf.o'));
  expect(details).toContain('- ours: refused by kernel EINVAL: line 1 / line 2');
  expect(details).toContain('- not explained');
  expect(details).toContain('- explained: a rule');
});

test('nothing judged is no agreement', () => {
  expect(report([])).toContain('0 objects, 0 programs judged: 0.00 % agreement');
});
