import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../../tools/testing/kernel';
import { kernelIdentity } from '../identity';
import { type Feature, features, hasFeature } from './index';

kernelSuite('features of the running kernel', () => {
  const [major, minor] = kernelIdentity().release.split('.').map(Number);

  function isNewer({ since }: Feature): boolean {
    const [a, b] = since.split('.').map(Number);
    return major! < a! || (major === a && minor! < b!);
  }

  test.each(Object.entries(features))('%s: what its version promises is there', (_, feature) => {
    // A newer feature may have been taken back; an older one is there.
    expect(hasFeature(feature)).toEqual(isNewer(feature) ? expect.any(Boolean) : true);
  });

  test('a verdict is kept, an answer that says nothing is not', () => {
    const answers = [undefined, false, true];
    const feature: Feature = { name: 'a', since: '1.0', probe: () => answers.shift() };
    expect([hasFeature(feature), hasFeature(feature), hasFeature(feature)]).toEqual([
      undefined,
      false,
      false,
    ]);
  });
});
