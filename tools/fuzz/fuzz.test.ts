import { afterAll, beforeAll, expect, test } from 'vitest';
import { BpfError } from '../../packages/loader/src/errors';
import { Coverage } from './coverage';
import { Engine } from './engine';
import { type Finding } from './findings';
import { textMutator } from './mutate/text';
import { Random } from './random';
import { Broken, type Target } from './target';
import { targets } from './targets';
import { endIdle, fuzz } from './watchdog';

/** Of each target: enough for everything to be reached that is reached soon. `npm run fuzz` goes on from there. */
const inputs = 800;
/** Each of these takes some ms. */
const slow: Readonly<Record<string, number>> = { manifest: 150, bundle: 150, object: 600, relocate: 600 };

beforeAll(() => {
  process.env['FUZZ_FEW'] = '1';
});
afterAll(endIdle);

test.each(targets)(
  '$name: $what',
  async (target) => {
    const seeds = await target.seeds();
    const outcome = await fuzz(
      target,
      seeds,
      { inputs: seeds.length + (slow[target.name] ?? inputs), seconds: 120, seed: 1 },
      () => undefined,
    );
    expect(outcome.findings.map(({ kind, text }) => `${kind}: ${text}`)).toEqual([]);
    expect(outcome.progress.inputs).toBe(seeds.length + (slow[target.name] ?? inputs));
    // Some got past every room: else what is behind it was not tried.
    expect(Math.min(...outcome.progress.past)).toBeGreaterThan(0);
  },
  150_000,
);

/** A reader with mistakes in it. */
function faulty(run: Target['run']): Target {
  const seeds = () => [new Uint8Array(Buffer.from('value: 12\n'))];
  return { name: 'faulty', what: '', rooms: ['read'], sources: [], seeds, mutate: textMutator(['-1']), run };
}

async function findingsOf(target: Target, seed: number, count = 3000): Promise<readonly Finding[]> {
  globalThis.fuzzCounters = new Uint8Array(4);
  const found: Finding[] = [];
  const engine = new Engine(
    target,
    new Random(seed),
    new Coverage(4),
    (finding) => found.push(finding),
    () => undefined,
  );
  for (const input of await target.seeds()) await engine.seed(input);
  while (engine.progress.inputs < count && found.length === 0) await engine.step();
  return found;
}

const number = (input: Uint8Array): number =>
  Number(/-?\d+/.exec(Buffer.from(input).toString('latin1'))?.[0] ?? 0);

test.each<[Finding['kind'], Target['run']]>([
  [
    'escaped',
    (input) => {
      if (number(input) < 0) throw new TypeError('not ours');
    },
  ],
  [
    'broken',
    (input) => {
      if (number(input) < 0) throw new Broken('not the same');
    },
  ],
  [
    'memory',
    (input) => {
      if (number(input) === 4294967296) new Uint8Array(100e6);
    },
  ],
  [
    'slow',
    (input) => {
      if (number(input) === 1)
        for (const end = process.cpuUsage().user + 200_000; process.cpuUsage().user < end;);
    },
  ],
])('finds what is %s', async (kind, run) => {
  const found = await findingsOf(faulty(run), 7);
  expect(found.map((finding) => finding.kind)).toContain(kind);
});

test('what is refused is no finding, and a seed makes the same inputs', async () => {
  const run = (): never => {
    throw new BpfError('FILE', 'refused');
  };
  const seen: string[][] = [];
  for (const seed of [3, 3, 4]) {
    const inputsOf: string[] = [];
    expect(
      await findingsOf(
        faulty((input) => {
          inputsOf.push(Buffer.from(input).toString('hex'));
          run();
        }),
        seed,
        200,
      ),
    ).toEqual([]);
    seen.push(inputsOf);
  }
  expect(seen[0]).toEqual(seen[1]);
  expect(seen[0]).not.toEqual(seen[2]);
});
