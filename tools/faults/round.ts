/** One scenario over and over: how it stands before, and what came of a fault. */
import { destroy, repair } from '../../packages/deploy/src/apply';
import { isRetried } from './errnos';
import { settings } from './filters';
import { type ErrorName, type Injection } from './injection';
import { emptyCaches, note, prepare, type Scenario } from './scenarios';
import { differences, runsEverywhere, standing, unhealthy, type Standing } from './standing';
import { type Surroundings } from './surroundings';
import { thrownBy, type Thrown } from './thrown';

/** A call that failed: its name, how, and what the scenario threw then. */
export interface Fault {
  readonly name: string;
  readonly error: ErrorName;
  readonly thrown: Thrown | undefined;
}

/** It went through; all is as before; it is half done, and can be done again. */
export type Outcome = 'went' | 'back' | 'part';

export class Round {
  private empty!: Standing;
  private pinsAfter: readonly string[] = [];
  private qdiscsAfter = '';
  private before: Standing | undefined;

  constructor(
    private readonly scenario: Scenario,
    private readonly at: Surroundings,
    private readonly injection: Injection,
  ) {}

  /** What things look like when nothing fails; twice, since the first time opens and remembers more. */
  async learn(): Promise<void> {
    for (let time = 0; time < 2; time++) {
      await this.clear();
      // What was there is freed a moment later.
      if (time === 1) this.empty = { ...standing(this.at, this.injection), objects: [] };
      await prepare(this.scenario, this.at);
      await this.scenario.run(this.at);
      const after = standing(this.at, this.injection);
      this.pinsAfter = after.pins;
      this.qdiscsAfter = after.qdiscs;
      const seen = runsEverywhere(this.at.packets.look());
      if (seen !== (this.scenario.after ?? 'open')) throw new Error(`${this.scenario.name}: runs ${seen}`);
    }
    await this.settle();
  }

  /** Everything as before the scenario; where the last fault left it so, nothing is to be done. */
  async start(): Promise<void> {
    if (this.scenario.cold === true) emptyCaches(this.at);
    if (this.before !== undefined) return;
    await prepare(this.scenario, this.at);
    this.before = standing(this.at, this.injection);
  }

  async judge(fault: Fault): Promise<{ outcome: Outcome; problems: string[] }> {
    const { scenario, at } = this;
    const { thrown } = fault;
    const problems = thrown === undefined ? [] : complaints(fault, thrown);
    const seen = at.packets.look();
    const runs = runsEverywhere(seen);
    const old = scenario.before.at(-1) ?? 'open';
    const next = scenario.after ?? 'open';
    if (thrown !== undefined && isRetried(fault.name, fault.error)) problems.push('was not made again');

    let found: string[] = [];
    if (thrown !== undefined && runs === old) {
      found = [
        ...(await differences(at, this.injection, this.before!)),
        ...unhealthy(at, scenario.before.at(-1)),
      ];
      if (found.length === 0) return { outcome: 'back', problems };
    }
    if (runs === next && (thrown === undefined || thrown.committed)) {
      // It said that something is left: the next one takes it away.
      if (thrown !== undefined)
        await repair(at.fixture.load(settings(scenario.after ?? 1)), note).catch((error: unknown) =>
          problems.push(`again: ${thrownBy(error).text}`),
        );
      const { fds } = this.before!;
      const expected = { pins: this.pinsAfter, qdiscs: this.qdiscsAfter, fds, objects: undefined };
      problems.push(...(await differences(at, this.injection, expected)), ...unhealthy(at, scenario.after));
      problems.push(...(await this.settle()));
      return { outcome: 'went', problems };
    }
    problems.push(...found);
    // What is removed one by one stays removed: the same again removes the rest.
    if (scenario.after !== undefined || thrown === undefined) problems.push(`runs ${JSON.stringify(seen)}`);
    problems.push(...(await this.settle()));
    return { outcome: 'part', problems };
  }

  /** Destroys what is there; nothing may be left. */
  async settle(): Promise<string[]> {
    this.before = undefined;
    await this.clear();
    return (await differences(this.at, this.injection, this.empty)).map((line) => `after destroy: ${line}`);
  }

  private clear(): Promise<unknown> {
    return destroy(this.at.fixture.load(settings(1)), note);
  }
}

/** What is wrong with what a scenario threw: it must be an error of ours, and say what failed and how. */
function complaints({ error }: Fault, { ours, code, errno, text }: Thrown): string[] {
  if (!ours) return [`throws no BpfError: ${text}`];
  return [
    ...(code === 'INTERNAL' ? ['is called internal'] : []),
    ...(code === 'ROLLBACK_INCOMPLETE' ? ['one fault, and undoing failed'] : []),
    ...(text.includes(error) || errno === error ? [] : [`does not say ${error}: ${text}`]),
  ];
}
