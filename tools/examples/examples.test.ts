import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hooks } from '@nx-bpf/loader';
import { typeErrors } from './check-types';
import { documented, inDocument, packages, repository, type Documented } from './collect';
import { edgeObject, pureValues, type PureValues } from './prelude';
import { run } from './run';
import { onlyTyped, whereItRuns, type Place } from './where-it-runs';

const all = packages.flatMap(documented);
const home = process.cwd();
let directory: string;
let values: PureValues;

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'nx-bpf-test-'));
  const bytes = edgeObject();
  writeFileSync(path.join(directory, 'edge.bpf.o'), bytes);
  values = pureValues(bytes);
  // The workspace that examples of manifests are about.
  const manifest = 'packages/agent/bpf.config.yaml';
  cpSync(path.join(repository, manifest), path.join(directory, manifest));
  writeFileSync(path.join(directory, 'nx.json'), '{}');
  process.chdir(directory);
});

afterAll(() => {
  process.chdir(home);
  rmSync(directory, { recursive: true });
});

/** A docstring with one example. */
function subject(code: string): Documented {
  return { name: 'subject', package: 'loader', room: 'errors', place: 'here:1', examples: [code] };
}

describe('examples of public docstrings', () => {
  test('every public function and class has one', () => {
    expect(
      all.filter(({ examples }) => examples.length === 0).map(({ place, name }) => `${place}: ${name}`),
    ).toEqual([]);
  });

  test('they are written in types that are', { timeout: 60_000 }, () => {
    const wrong = subject('const code: number = errnoName(22);');
    expect(typeErrors([...all, inDocument('docs/hooks.md'), wrong])).toEqual([
      expect.stringMatching(/^here:1: Type 'string' is not/),
    ]);
  });

  test('the document about hooks has one of each', () => {
    const text = inDocument('docs/hooks.md').examples.join('\n');
    const functions = Object.values(hooks).map(({ attach }) => attach.name);
    expect(functions.filter((name) => !text.includes(`${name}(`))).toEqual([]);
  });

  test('every exception from running is for one', () => {
    expect(Object.keys(onlyTyped).filter((name) => !all.some((subject) => subject.name === name))).toEqual(
      [],
    );
  });

  for (const subject of all.filter((subject) => whereItRuns(subject) === 'anywhere')) {
    test(`${subject.name} does what it says`, () => run(subject, values));
  }

  test.each([
    ["errnoName(22); // 'EPERM'", 'EINVAL'],
    [
      "[errnoName(22)].filter(() => false).map((name) => {\n  name; // 'EINVAL'\n});",
      'claims that were reached',
    ],
  ])('a false one is found: %s', async (code, message) => {
    await expect(run(subject(code), values)).rejects.toThrow(message);
  });

  test('most of them run', () => {
    const count = (place: Place): number => all.filter((subject) => whereItRuns(subject) === place).length;
    console.log(
      `examples: ${count('anywhere')} run here, ${count('kernel')} on the kernel, ${count('nowhere')} are type-checked only`,
    );
    expect(count('nowhere')).toBeLessThan(all.length / 5);
  });
});
