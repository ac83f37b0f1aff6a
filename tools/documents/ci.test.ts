import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Command } from 'commander';
import { commandLine } from '../../packages/deploy/src/cli/main';
import { targetNames } from '../../packages/plugin/src/graph/target-names';
import { commandLines, steps, workflows, type Job } from './ci-document';

const executors = path.resolve(__dirname, '../../packages/plugin/src/executors');
const environments = ['staging', 'prod'];

/** What commander says against a command line of `nx-bpf`; nothing is run. */
async function problemOf(words: readonly string[]): Promise<string | undefined> {
  const program = commandLine(() => undefined);
  const each = (command: Command): void => {
    command.configureOutput({ writeErr: () => undefined, writeOut: () => undefined }).exitOverride();
    if (command.commands.length === 0) command.action(() => undefined);
    command.commands.forEach(each);
  };
  each(program);
  try {
    await program.parseAsync(words, { from: 'user' });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** What is wrong with a command line of Nx: of `run` and `affected` with our targets, the options of our executors. */
function nxProblem([command, ...words]: readonly string[]): string | undefined {
  const targets: string[] = [];
  const configurations: string[] = [];
  const options: string[] = [];
  if (command === 'run') {
    const [project, target, configuration, ...more] = words.shift()!.split(':');
    if (project !== 'agent' || more.length > 0) return `no project ${project}`;
    targets.push(target!);
    if (configuration !== undefined) configurations.push(configuration);
  } else if (command !== 'affected') return `unknown command ${command}`;
  let list: string[] | undefined;
  for (const word of words) {
    if (word === '-t') list = targets;
    else if (word === '-c') list = configurations;
    else if (word.startsWith('-')) {
      options.push(word);
      list = undefined;
    } else if (list !== undefined) list.push(word);
    else if (options.length === 0) return `unexpected ${word}`;
  }
  if (targets.length === 0) return 'no target';
  const wrong = [
    ...targets.filter((name) => !(targetNames as readonly string[]).includes(name)),
    ...configurations.filter((name) => !environments.includes(name)),
  ];
  if (wrong.length > 0) return `unknown ${wrong.join(', ')}`;
  for (const target of targets) {
    const file = path.join(executors, target.replace('bpf-', ''), 'schema.json');
    const { properties } = JSON.parse(fs.readFileSync(file, 'utf8')) as { properties: object };
    const unknown = options.filter((option) => !Object.keys(properties).includes(option.slice(2)));
    if (unknown.length > 0) return `${target} has no ${unknown.join(', ')}`;
  }
  return undefined;
}

const problem = async ([command, ...words]: readonly string[]): Promise<string | undefined> =>
  command === 'nx' ? nxProblem(words) : problemOf(words);

describe('docs/ci.md', () => {
  const lines = commandLines();

  test('has commands of both kinds', () => {
    expect(lines.filter(([command]) => command === 'nx').length).toBeGreaterThan(8);
    expect(lines.filter(([command]) => command === 'nx-bpf').length).toBeGreaterThan(12);
    expect(lines.map((words) => words.join(' '))).toContain(
      'nx-bpf plan --bundle matrix.environment.nxbpf --verify --detailed-exitcode --out /var/lib/nx-bpf/github.sha.plan',
    );
  });

  test.each(lines.map((words) => [words.join(' '), words] as const))('%s', async (_, words) => {
    expect(await problem(words)).toBeUndefined();
  });

  test.each([
    ['nx-bpf plan agent --detailed-exit-code', "unknown option '--detailed-exit-code'"],
    ['nx-bpf rollback agent --frozen', "unknown option '--frozen'"],
    ['nx-bpf deploy agent', "unknown command 'deploy'"],
    ['nx run agent:bpf-apply:prod', 'unknown bpf-apply'],
    ['nx run agent:bpf-load:production', 'unknown production'],
    ['nx run agent:bpf-load:prod --detailedExitcode', 'bpf-load has no --detailedExitcode'],
  ])('a line that is wrong is found: %s', async (line, said) => {
    expect(await problem(commandLines(line)[0]!)).toContain(said);
  });

  test.each(workflows.map((workflow, number) => [number, workflow] as const))(
    'workflow %i',
    (_, workflow) => {
      expect(Object.keys(workflow.on).length).toBeGreaterThan(0);
      for (const [name, job] of Object.entries(workflow.jobs))
        expect(jobProblems(name, job, workflow.jobs)).toEqual([]);
    },
  );

  test('the first one plans with the exit status, applies what was planned, and only after it', () => {
    const { jobs } = workflows[0]!;
    const run = (job: string): string => jobs[job]!.steps.map((step) => step.run ?? '').join('\n');
    const saved = /--out (\S+\$\{\{ github\.sha \}\}\.plan)/.exec(run('plan'))![1]!;
    expect(run('plan')).toContain('--detailed-exitcode');
    expect(run('apply')).toContain(`--plan ${saved}`);
    expect(jobs['apply']).toMatchObject({
      needs: 'plan',
      if: "github.event_name == 'push'",
      environment: '${{ matrix.environment }}',
      concurrency: { 'cancel-in-progress': false },
    });
    // A host sees no checkout, and what is hosted no privilege but for the compiler's packages.
    for (const job of ['plan', 'apply'])
      expect(jobs[job]!.steps.filter(({ uses }) => uses?.startsWith('actions/checkout'))).toEqual([]);
    expect(run('build').match(/sudo [\w-]+/g)).toEqual(['sudo apt-get', 'sudo apt-get']);
    expect(
      run('build')
        .split('\n')
        .filter((line) => /bpf-(build|bundle)/.test(line) && !line.includes('--frozen')),
    ).toEqual([]);
  });

  test('steps that stand alone run something', () => {
    expect(steps.flat().every(({ run }) => run !== undefined)).toBe(true);
  });
});

/** What of a job GitHub would refuse, or would be empty when it runs. */
function jobProblems(name: string, job: Job, jobs: Readonly<Record<string, Job>>): string[] {
  const needs = job.needs === undefined ? [] : [job.needs].flat();
  const matrix = Object.keys(job.strategy?.matrix ?? {});
  const used = [...JSON.stringify(job).matchAll(/\$\{\{ matrix\.(\w+) \}\}/g)].map(([, key]) => key!);
  return [
    ...(job['runs-on'] === undefined ? [`${name} runs nowhere`] : []),
    ...needs.filter((need) => !(need in jobs)).map((need) => `${name} needs ${need}`),
    ...used.filter((key) => !matrix.includes(key)).map((key) => `${name} has no matrix.${key}`),
    ...job.steps
      .filter(({ uses, run }) => (uses === undefined) === (run === undefined))
      .map((step) => `${name}: ${JSON.stringify(step)} is no step`),
    ...job.steps
      .filter(({ uses }) => uses !== undefined && !/^[\w.-]+\/[\w.-]+@v\d+$/.test(uses))
      .map(({ uses }) => `${name} uses ${uses}`),
  ];
}
