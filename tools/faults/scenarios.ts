/** What is done while something fails: how it stands before, what is done, and how it stands after. */
import fs from 'node:fs';
import { destroy, rollback } from '../../packages/deploy/src/apply';
import { settings, type Version } from './filters';
import { type Surroundings } from './surroundings';

/** Versions that were deployed one after the other; none: nothing is deployed. */
export type History = readonly Version[];

export interface Scenario {
  readonly name: string;
  readonly before: History;
  /** What runs after, undefined if nothing does. */
  readonly after: Version | undefined;
  /** The caches are emptied before each. */
  readonly cold?: boolean;
  run(surroundings: Surroundings): Promise<unknown>;
}

export const note = (): void => undefined;

export function deploy({ fixture, objects }: Surroundings, version: Version): Promise<unknown> {
  return fixture.apply(objects[version], settings(version));
}

export const scenarios: readonly Scenario[] = [
  { name: 'first', before: [], after: 1, cold: true, run: (at) => deploy(at, 1) },
  { name: 'first-cached', before: [], after: 1, run: (at) => deploy(at, 1) },
  { name: 'unchanged', before: [1], after: 1, run: (at) => deploy(at, 1) },
  { name: 'upgrade', before: [1], after: 2, run: (at) => deploy(at, 2) },
  {
    name: 'rollback',
    before: [1, 2],
    after: 1,
    run: ({ fixture }) => rollback(fixture.load(settings(2)), { note }),
  },
  {
    name: 'destroy',
    before: [1],
    after: undefined,
    run: ({ fixture }) => destroy(fixture.load(settings(1)), note),
  },
];

/** Brings about what is there before a scenario, from nothing. */
export async function prepare(scenario: Scenario, surroundings: Surroundings): Promise<void> {
  for (const version of scenario.before) await deploy(surroundings, version);
}

export function emptyCaches({ fixture }: Surroundings): void {
  fs.rmSync(fixture.cacheFolder, { recursive: true, force: true });
}
