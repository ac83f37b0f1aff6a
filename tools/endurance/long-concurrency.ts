/**
 * `npm run endurance:concurrency`: 200 rounds of eight processes that deploy four projects at once, or as many as
 * ENDURANCE_ROUNDS says; ENDURANCE_SEED=n for the same random numbers. It wants root.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { concurrentRounds } from './concurrency';
import { standalone } from './standalone';

const rounds = Number(process.env['ENDURANCE_ROUNDS'] ?? 200);
const seed = Number(process.env['ENDURANCE_SEED'] ?? Date.now() % 1_000_000);

void standalone(async (kernel, machine) => {
  console.log(`seed ${seed}`);
  let turn = performance.now();
  const { problems, ...report } = await concurrentRounds(kernel, {
    ...{ rounds, seed, meddling: true, told: console.log },
    // Tests of others compare what the whole machine holds: between two turns nothing of ours changes.
    pause: async () => {
      if (performance.now() - turn < 60_000) return;
      machine.unlock();
      await sleep(150);
      await machine.lock();
      turn = performance.now();
    },
  });
  console.log(report);
  return problems;
});
