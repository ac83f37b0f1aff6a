/**
 * `npm run endurance:upgrades`: 10,000 upgrades in one process, or as many as ENDURANCE_UPGRADES says. It wants root.
 * Prints what process and kernel hold on the way, and ends with 1 if any of it grew.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { standalone } from './standalone';
import { manyUpgrades } from './upgrades';
import { growth } from './growth';

const count = Number(process.env['ENDURANCE_UPGRADES'] ?? 10_000);

void standalone(async (kernel, machine) => {
  let turn = performance.now();
  const report = await manyUpgrades(kernel, {
    count,
    every: 100,
    migration: 50,
    rollback: 170,
    told: (sample) => console.log(JSON.stringify(sample)),
    // Tests of others compare what the whole machine holds: between two turns nothing of ours changes.
    pause: async () => {
      if (performance.now() - turn < 90_000) return;
      machine.unlock();
      await sleep(150);
      await machine.lock();
      turn = performance.now();
    },
  });
  const { samples, ...figures } = report;
  const found = growth(report);
  console.log({ ...figures, first: samples[0], last: samples.at(-1), found });
  return found;
});
