/** Makes each call of a scenario fail in turn, from inside, and looks what came of it. */
import { errorsOf } from './errnos';
import { type Call, type ErrorName, type Injection } from './injection';
import { Round } from './round';
import { type Scenario } from './scenarios';
import { type Surroundings } from './surroundings';
import { tallied, type Choice, type Tally } from './tally';
import { thrownBy, type Thrown } from './thrown';

/** @param turn which of the errors that a call can have: with 0, 1, 2, ... each gets all of its own in turn */
export async function failEach(
  scenario: Scenario,
  surroundings: Surroundings,
  injection: Injection,
  choice: Choice & { readonly turn: number },
): Promise<Tally> {
  const round = new Round(scenario, surroundings, injection);
  await round.learn();
  return tallied(scenario.name, choice, async (number) => {
    await round.start();
    let failed: { call: Call; error: ErrorName } | undefined;
    injection.arm((call) => {
      if (call.number !== number) return undefined;
      const errors = errorsOf(call.name);
      const error = errors[(number + choice.turn) % errors.length]!;
      failed = { call, error };
      return error;
    });
    let thrown: Thrown | undefined;
    try {
      await scenario.run(surroundings);
    } catch (error) {
      thrown = thrownBy(error);
    } finally {
      injection.disarm();
    }
    if (failed === undefined) {
      await round.settle();
      return undefined;
    }
    const { call, error } = failed;
    const judged = await round.judge({ name: call.name, error, thrown });
    return { what: `${call.name} ${call.about}`, error, text: thrown?.text, ...judged };
  });
}
