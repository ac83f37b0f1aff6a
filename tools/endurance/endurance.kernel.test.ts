import { expect, test } from 'vitest';
import { kernelSuite } from '../testing/kernel';
import { concurrentRounds } from './concurrency';
import { growth } from './growth';
import { manyUpgrades } from './upgrades';

/** Short forms of `npm run endurance:upgrades` and `npm run endurance:concurrency`. */
kernelSuite('endurance', (kernel) => {
  test('100 upgrades leave as many descriptors, pins and objects as 20', { timeout: 120_000 }, async () => {
    const report = await manyUpgrades(kernel, { count: 100, every: 20, migration: 10, rollback: 10 });
    expect(report).toMatchObject({ upgrades: 100, migrations: 9, rollbacks: 10 });
    expect(growth(report)).toEqual([]);
  });

  const seed = Number(process.env['ENDURANCE_SEED'] ?? Date.now() % 1_000_000);

  test(
    `eight processes deploy four projects that share maps, seed ${seed}`,
    { timeout: 180_000 },
    async () => {
      const quiet = await concurrentRounds(kernel, { rounds: 2, seed, meddling: false });
      expect(quiet.problems).toEqual([]);
      const meddled = await concurrentRounds(kernel, { rounds: 3, seed, meddling: true });
      expect(meddled.problems).toEqual([]);
      // Besides the eight of a round, one apply for each project after it, and four that destroy.
      const commands = Object.values(meddled.commands).reduce((sum, count) => sum + count, 0);
      expect(commands).toBe(3 * (8 + 4) + 4);
      expect(Object.keys(meddled.meddling).length).toBeGreaterThan(0);
    },
  );
});
