/**
 * Kills a process before each call of a scenario in turn, under traffic: nothing may pass that is blocked, the same
 * once more makes it whole, and destroy leaves nothing.
 */
import { destroy } from '../../packages/deploy/src/apply';
import { Children } from './children';
import { hooks, settings } from './filters';
import { oursLeft } from './ours';
import { emptyCaches, note, prepare, type Scenario } from './scenarios';
import { runsEverywhere, unhealthy } from './standing';
import { type Surroundings } from './surroundings';
import { tallied, type Choice, type Tally } from './tally';
import { thrownBy } from './thrown';

/** Milliseconds between two bursts of packets. */
const pace = 2;

export async function killEach(scenario: Scenario, at: Surroundings, choice: Choice): Promise<Tally> {
  const { fixture, packets, objects, bpffs, directory } = at;
  const children = new Children({ scenario: scenario.name, bpffs, directory, objects });
  const clear = (): Promise<unknown> => destroy(fixture.load(settings(1)), note);
  await clear();
  const guarded = scenario.before.length > 0 && scenario.after !== undefined;
  const expected = scenario.after ?? 'open';
  try {
    return await tallied(scenario.name, choice, async (number) => {
      const problems: string[] = [];
      if (scenario.cold === true) emptyCaches(at);
      await prepare(scenario, at);
      const child = await children.take();
      packets.arrived();
      let arrived = 0;
      const traffic = setInterval(() => {
        packets.send();
        arrived += packets.arrived();
      }, pace);
      const { signal, answer } = await children.run(child, number);
      clearInterval(traffic);
      if (answer?.thrown !== undefined) problems.push(`throws ${answer.thrown.text}`);

      const seen = packets.look();
      arrived += packets.arrived() + seen.arrived;
      const open = hooks.filter((hook) => seen.runs[hook] === 'open');
      if (guarded && (arrived > 0 || open.length > 0))
        problems.push(`${arrived} packets passed unfiltered, and nothing runs on: ${open.join(', ')}`);
      const runs = runsEverywhere(seen);
      const outcome =
        runs === expected ? 'went' : runs === (scenario.before.at(-1) ?? 'open') ? 'back' : 'part';

      // What went through is not done twice; one that was killed is made whole by the same again.
      const again = scenario.name === 'rollback' && outcome === 'went' ? undefined : scenario.run(at);
      await again?.catch((error: unknown) => problems.push(`again: ${thrownBy(error).text}`));
      const whole = runsEverywhere(packets.look());
      if (whole !== expected) problems.push(`after the next: runs ${whole}`);
      problems.push(...unhealthy(at, scenario.after));
      await clear();
      const left = [...fixture.pins(), ...(await oursLeft())];
      problems.push(...left.map((line) => `after destroy: ${line}`));
      if (signal === null) return undefined;
      return { what: 'killed before it', error: 'SIGKILL', outcome, text: undefined, problems };
    });
  } finally {
    await children.close();
  }
}
