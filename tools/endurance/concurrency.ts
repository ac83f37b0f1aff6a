import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { status } from '../../packages/deploy/src/apply';
import { loadProject } from '../../packages/deploy/src/manifest';
import { ProgramType } from '../../packages/loader/src/object';
import { type KernelSuite } from '../testing/kernel';
import { seededRandom } from '../testing/random';
import { tinyProgram } from '../testing/tiny-program';
import { type DeployAnswer, type DeployRequest } from './deploying-process';
import { Meddler } from './meddling';
import { unreachable } from './reachable';
import {
  compileProgram,
  makeInterfaces,
  projects,
  removeInterfaces,
  writeWorkspace,
} from './sharing-projects';

export interface ConcurrencyOptions {
  readonly rounds: number;
  readonly seed: number;
  /** Whether others meddle while the processes are at work. */
  readonly meddling: boolean;
  readonly pause?: (() => Promise<void>) | undefined;
  readonly told?: ((line: string) => void) | undefined;
}

export interface ConcurrencyReport {
  readonly rounds: number;
  /** How many of each command were carried out, and how many ended with which code. */
  readonly commands: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
  readonly meddling: Readonly<Record<string, number>>;
  /** What `status` said of the projects right after the rounds. */
  readonly states: Readonly<Record<string, number>>;
  /** The longest round, in milliseconds. */
  readonly longest: number;
  /** What must not be, one line each. */
  readonly problems: readonly string[];
}

/** Two processes for each project. */
const processes = projects.length * 2;

/** What a command may end with when somebody meddles, or another process was faster; all else is a problem. */
const expected: ReadonlySet<string> = new Set([
  'ATTACH_CONFLICT',
  'ATTACH_FAILED',
  'GENERATION_UNAVAILABLE',
  'INTERFACE_NOT_FOUND',
  'ROLLED_BACK',
]);

/**
 * Eight processes deploy four projects that share maps, all at once, for many rounds: mostly applies with constants of
 * their own, and rollbacks, destroys, repairs and statuses between them. In each round others meddle with pins, links and
 * interfaces. After each round `status` finds everything healthy or names what is not, one more apply makes all of it
 * healthy, and nothing of ours is in the kernel that no pin leads to.
 */
export async function concurrentRounds(
  kernel: KernelSuite,
  options: ConcurrencyOptions,
): Promise<ConcurrencyReport> {
  return kernel.withVeth(async () => {
    const workspace = path.join(kernel.directory, 'ws');
    const root = path.join(kernel.bpffs, 'nx-bpf');
    const cacheFolder = path.join(kernel.directory, 'cache');
    const random = seededRandom(options.seed);
    writeWorkspace(workspace, root);
    const object = compileProgram(kernel);
    const foreign = pinForeign(kernel);
    const meddler = new Meddler(root, foreign, random);
    const children = Array.from({ length: processes }, () => start());
    const tally = {
      commands: {} as Record<string, number>,
      errors: {} as Record<string, number>,
      states: {} as Record<string, number>,
    };
    const problems: string[] = [];
    const descriptors = new Map<ChildProcess, number>();
    let longest = 0;

    const add = (table: Record<string, number>, name: string): void => {
      table[name] = (table[name] ?? 0) + 1;
    };
    const load = (project: string) => loadProject({ workspaceRoot: workspace, project, set: [] });
    const request = (command: DeployRequest['command'], project: string, version: number): DeployRequest => ({
      ...{ command, workspace, project, object, cacheFolder },
      set: [`objects.nxc.constants.version=${version}`],
    });
    const ask = async (round: number, child: ChildProcess, asked: DeployRequest): Promise<DeployAnswer> => {
      child.send(asked);
      const [answer] = (await once(child, 'message')) as [DeployAnswer];
      add(tally.commands, asked.command);
      if (answer.code !== undefined) {
        add(tally.errors, `${asked.command}: ${answer.code}`);
        const known = options.meddling
          ? expected.has(answer.code) || isRefusal(asked.command, answer.code)
          : answer.code === 'GENERATION_UNAVAILABLE';
        if (!known)
          problems.push(
            `round ${round}: ${asked.command} ${asked.project}: ${answer.code}: ${answer.message}`,
          );
      }
      const before = descriptors.get(child);
      if (before === undefined) descriptors.set(child, answer.descriptors);
      else if (answer.descriptors > before + 2) {
        problems.push(`round ${round}: ${answer.descriptors} descriptors in a process that had ${before}`);
      }
      return answer;
    };
    const generationOf = (project: string): number => status(load(project)).deployment?.generation ?? 0;

    makeInterfaces();
    try {
      for (let round = 1; round <= options.rounds; round++) {
        const begin = performance.now();
        const before = new Map(projects.map((project) => [project, generationOf(project)]));
        const asked = children.map((_, number) =>
          request(draw(random()), projects[number % projects.length]!, round * processes + number),
        );
        const work = Promise.all(children.map((child, number) => ask(round, child, asked[number]!)));
        if (options.meddling) {
          for (let times = 1 + Math.floor(random() * 3); times > 0; times--) {
            await sleep(random() * 150);
            await meddler.meddle();
          }
        }
        const answers = await work;
        longest = Math.max(longest, performance.now() - begin);

        for (const [number, project] of projects.entries()) {
          const of = [number, number + projects.length];
          const destroyed = of.some((each) => asked[each]!.command === 'destroy');
          const { state, drift, absence, deployment } = status(load(project));
          add(tally.states, state);
          const where = `round ${round}: ${project}`;
          const accounted = state === 'healthy' || drift.length > 0 || absence !== undefined;
          if (!accounted) problems.push(`${where} is ${state}, and nothing says why`);
          // A neighbour at the same hook that was upgraded is another program before ours, whoever's it is.
          const own = drift.filter((line) => !line.startsWith('hook '));
          if (!options.meddling && own.length > 0) problems.push(`${where}: ${own.join('; ')}`);
          if (destroyed) continue;
          // Each that said it made a generation did: none was lost to another process.
          const made = of.reduce((sum, each) => sum + answers[each]!.generations, 0);
          const generation = deployment?.generation ?? 0;
          if (generation !== before.get(project)! + made) {
            problems.push(`${where}: generation ${before.get(project)!}, ${made} more, is ${generation}`);
          }
        }
        await meddler.leave();
        for (const [number, project] of projects.entries()) {
          const answer = await ask(round, children[number]!, request('apply', project, round));
          const { state, drift } = status(load(project));
          if (answer.code !== undefined || state !== 'healthy') {
            problems.push(
              `round ${round}: ${project} afterwards: ${answer.message ?? state}; ${drift.join('; ')}`,
            );
          }
        }
        for (const lost of await unreachable(kernel.bpffs, 'nxc'))
          problems.push(`round ${round}: left: ${lost}`);
        if (round % 10 === 0) options.told?.(`${round} rounds, ${problems.length} problems`);
        await options.pause?.();
      }
      for (const project of projects) await ask(options.rounds, children[0]!, request('destroy', project, 0));
      if (fs.existsSync(root)) problems.push(`${root} is there when all projects are destroyed`);
    } finally {
      for (const child of children) child.disconnect();
      fs.rmSync(foreign, { recursive: true });
      fs.rmSync(root, { recursive: true, force: true });
      removeInterfaces();
    }
    return {
      rounds: options.rounds,
      ...tally,
      meddling: meddler.done,
      longest: Math.round(longest),
      problems,
    };
  });
}

/**
 * When somebody removed the pin of a shared map, the projects that were applied since share another one: going back to
 * the map of before is refused.
 */
function isRefusal(command: DeployRequest['command'], code: string): boolean {
  return code === 'MAP_INCOMPATIBLE' && (command === 'rollback' || command === 'repair');
}

/** What a process is told to do. */
function draw(random: number): DeployRequest['command'] {
  if (random < 0.7) return 'apply';
  if (random < 0.82) return 'rollback';
  if (random < 0.88) return 'destroy';
  return random < 0.94 ? 'repair' : 'status';
}

function start(): ChildProcess {
  const root = path.resolve(__dirname, '../..');
  const file = path.join(__dirname, 'deploying-process.ts');
  return fork(file, { cwd: root, execArgv: ['-r', path.join(root, 'tools/run-source.js')] });
}

/** Programs of somebody else, pinned in a folder of their own. */
function pinForeign(kernel: KernelSuite): string {
  const folder = path.join(kernel.bpffs, 'foreign');
  fs.mkdirSync(folder);
  for (const [name, type] of [
    ['xdp', ProgramType.xdp],
    ['tcx', ProgramType.sched_cls],
  ] as const) {
    const program = tinyProgram({ type, returns: name === 'xdp' ? 2 : 0, name: `other_${name}` });
    program.pin(path.join(folder, name));
    program.close();
  }
  return folder;
}
