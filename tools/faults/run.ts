/** `npm run faults -- --scenario upgrade --every 1`: see docs/promises.md. */
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { lockMachine } from '../testing/machine-lock';
import { failEach } from './fail-each';
import { Injection } from './injection';
import { killEach } from './kill-each';
import { scenarios } from './scenarios';
import { withSurroundings } from './surroundings';
import { type Tally } from './tally';
import { traceEach } from './trace-each';

const { values } = parseArgs({
  options: {
    /** From inside, from outside by strace, or by SIGKILL. */
    by: { type: 'string', default: 'inside' },
    scenario: { type: 'string', multiple: true },
    every: { type: 'string', default: '1' },
    first: { type: 'string', default: '1' },
    turn: { type: 'string', default: '0' },
    quiet: { type: 'boolean', default: false },
    /** Whoever starts it has the machine for itself. */
    unlocked: { type: 'boolean', default: false },
  },
});

/** Tests of others wait for the machine: it is given back now and then, in milliseconds. */
const slice = 45_000;
const rest = 200;
/** Long runs wait for every suite: they are quicker at the door. */
const pause = 5;

async function main(): Promise<void> {
  const wanted = scenarios.filter(
    ({ name }) => values.scenario === undefined || values.scenario.includes(name),
  );
  if (wanted.length === 0) throw new Error(`scenarios: ${scenarios.map(({ name }) => name).join(', ')}`);
  let unlock = values.unlocked ? undefined : await lockMachine(pause);
  let since = performance.now();
  const choice = {
    every: Number(values.every),
    first: Number(values.first),
    turn: Number(values.turn),
    log: (line: string) => void (values.quiet || console.log(line)),
    between: async (): Promise<void> => {
      if (unlock === undefined || performance.now() - since < slice) return;
      unlock();
      await sleep(rest);
      unlock = await lockMachine(pause);
      since = performance.now();
    },
  };
  const injection = new Injection();
  await withSurroundings(async (at) => {
    for (const scenario of wanted) {
      const start = performance.now();
      const tallies =
        values.by === 'strace'
          ? await traceEach(scenario, at, injection, choice)
          : [
              await (values.by === 'kill'
                ? killEach(scenario, at, choice)
                : failEach(scenario, at, injection, choice)),
            ];
      for (const tally of tallies) print(tally);
      console.log(`${scenario.name}: ${Math.round((performance.now() - start) / 1000)} s`);
      if (tallies.some(({ violations }) => violations.length > 0)) process.exitCode = 1;
    }
  });
  unlock?.();
}

function print({ violations, ...figures }: Tally): void {
  console.log(JSON.stringify({ ...figures, violations: violations.length }));
  for (const violation of violations) console.log(`  ${violation}`);
}

void main();
