import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { kernelSuite } from '../../../../../tools/testing/kernel';
import { mapTypes, programTypes } from '../../object';
import { kernelIdentity } from '../identity';
import { type Feature, features, hasFeature, hasMapType, hasProgramType } from './index';

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

  test('types of maps and programs: as bpftool finds them', () => {
    const probed = JSON.parse(
      execFileSync('bpftool', ['-j', 'feature', 'probe', 'kernel'], { encoding: 'utf8' }),
    ) as {
      map_types: Record<string, boolean>;
      program_types: Record<string, boolean>;
    };
    const differences = (
      theirs: Record<string, boolean>,
      suffix: string,
      ours: Readonly<Record<string, number>>,
      has: (type: number) => boolean | undefined,
    ): string[] =>
      Object.entries(theirs).flatMap(([key, value]) => {
        const type = ours[key.slice('have_'.length, -suffix.length)];
        const found = type === undefined ? undefined : has(type);
        return found === undefined || found === value ? [] : [`${key}: ${value}, ours ${found}`];
      });
    expect(Object.keys(probed.map_types).length).toBeGreaterThan(25);
    expect(differences(probed.map_types, '_map_type', mapTypes.numbers, hasMapType)).toEqual([]);
    // bpftool tries tracing programs with fentry, which this kernel may refuse while it takes tp_btf.
    const others = Object.fromEntries(
      Object.entries(probed.program_types).filter(([key]) => key !== 'have_tracing_prog_type'),
    );
    expect(differences(others, '_prog_type', programTypes.numbers, hasProgramType)).toEqual([]);
    expect([hasMapType(mapTypes.numbers.ringbuf), hasMapType(9999), hasProgramType(9999)]).toEqual([
      true,
      false,
      false,
    ]);
  });
});
