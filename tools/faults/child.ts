/**
 * A process that carries out a scenario and is killed on the way, or whose system calls are made to fail from outside:
 * `node -r ./tools/run-source.js tools/faults/child.ts` with a request as JSON in its only argument. It prints `ready`,
 * waits for a line on stdin with the number of the call before which it is killed (0: none), and prints what came of it.
 */
import { DeploymentFixture, type NamedObject } from '../testing/deployment';
import { type Version } from './filters';
import { Injection } from './injection';
import { scenarios } from './scenarios';
import { type Surroundings } from './surroundings';
import { thrownBy, type Thrown } from './thrown';

export interface ChildRequest {
  readonly scenario: string;
  readonly bpffs: string;
  readonly directory: string;
  readonly objects: Readonly<Record<Version, readonly NamedObject[]>>;
}

export interface ChildAnswer {
  readonly thrown: Thrown | undefined;
  /** What it made: see `Injection.made`. */
  readonly made: readonly string[];
}

const { scenario: name, bpffs, directory, objects } = JSON.parse(process.argv[2]!) as ChildRequest;
const kernel = { bpffs, directory } as ConstructorParameters<typeof DeploymentFixture>[0];
const at = { fixture: new DeploymentFixture(kernel), objects } as Pick<Surroundings, 'fixture' | 'objects'>;
const scenario = scenarios.find((each) => each.name === name)!;
const injection = new Injection();

process.stdin.once('data', (line) => {
  const last = Number(line.toString());
  injection.arm(({ number }) => (number === last ? 'kill' : undefined));
  void scenario.run(at as Surroundings).then(
    () => answer(undefined),
    (error: unknown) => answer(thrownBy(error)),
  );
});
console.log('ready');

function answer(thrown: Thrown | undefined): void {
  injection.disarm();
  const value: ChildAnswer = { thrown, made: [...injection.made] };
  process.stdout.write(JSON.stringify(value), () => process.exit(0));
}
