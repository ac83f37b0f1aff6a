import path from 'node:path';
import pc from 'picocolors';
import { apply, destroy, status } from '../apply';
import { RelocationCache } from '../cache';
import { describeConfig, renderConfig, renderDeployment, renderPlan } from '../report';
import { layoutOf } from '../state';
import { buildObjects, type BuiltObject } from '../toolchain';
import { outputDirectory } from './output-directory';
import { type Answer, type CommandInput } from './request';

export type CommandName = 'build' | 'apply' | 'status' | 'destroy' | 'config';

type CommandFunction = (input: CommandInput) => Answer | Promise<Answer>;

/** What a project can be asked for: each returns what people read and what scripts read. */
export const commands: Readonly<Record<CommandName, CommandFunction>> = {
  async build(input) {
    const objects = await compile(input);
    return {
      lines: builtLines(input, objects),
      result: { ...subject(input), objects: builtJson(input, objects) },
    };
  },

  async apply(input) {
    const { config, note } = input;
    const objects = await compile(input);
    const cache = new RelocationCache(path.join(config.workspaceRoot, '.nx-bpf', 'cache', 'relocated'));
    const { plan, deployment, cache: cached } = await apply({ config, objects, cache, note });
    const base = layoutOf(config.pin.root, config.project, config.environment).base;
    const { generation } = deployment;
    const summary = plan.empty
      ? `nothing to do: ${title(input)} is as it should be (generation ${generation})`
      : `${title(input)} is at generation ${generation}`;
    return {
      lines: [
        ...renderPlan(plan),
        pc.green(summary),
        '',
        `Pins are under ${base}`,
        '',
        ...renderDeployment(deployment, base),
      ],
      result: {
        ...subject(input),
        changed: !plan.empty,
        objects: builtJson(input, objects).map((object) => ({
          ...object,
          relocation: cached[object.name] ?? null,
        })),
        plan,
        ...deployment,
      },
    };
  },

  status(input) {
    const { config } = input;
    const { state, drift, committed, deployment } = status(config);
    const result = { ...subject(input), state, drift, committed: committed ?? null, ...deployment };
    if (deployment === undefined) return { lines: [`${title(input)}: nothing is deployed`], result };
    const base = layoutOf(config.pin.root, config.project, config.environment).base;
    const colour = state === 'healthy' ? pc.green : pc.red;
    return {
      lines: [
        `${title(input)}: ${colour(state)}, generation ${deployment.generation}, committed ${committed}`,
        ...drift.map((line) => `  ${pc.red('drift')} ${line}`),
        '',
        `Pins are under ${base}`,
        '',
        ...renderDeployment(deployment, base),
      ],
      result,
      // 2 is "drift found", so that a scheduled check fails.
      exitStatus: state === 'drifted' ? 2 : 0,
    };
  },

  async destroy(input) {
    const removed = await destroy(input.config, input.note);
    const lines =
      removed === undefined
        ? [`nothing to do: ${title(input)} is not deployed`]
        : [
            `${title(input)} removed: ${count(removed.links, 'link')}, ${count(removed.programs, 'program')}, ${count(removed.maps, 'map')}`,
          ];
    return { lines, result: { ...subject(input), changed: removed !== undefined, removed: removed ?? null } };
  },

  config(input) {
    return { lines: renderConfig(input.config), result: describeConfig(input.config) };
  },
};

function compile({ config, note, verbose }: CommandInput): Promise<BuiltObject[]> {
  return buildObjects(config, { outDir: outputDirectory(config), note, verbose });
}

function subject({ config }: CommandInput): { project: string; environment: string } {
  return { project: config.project, environment: config.environment };
}

function title({ config }: CommandInput): string {
  return pc.bold(`${config.project}@${config.environment}`);
}

function count(list: readonly unknown[], noun: string): string {
  return `${list.length} ${noun}${list.length === 1 ? '' : 's'}`;
}

function builtLines({ config }: CommandInput, objects: readonly BuiltObject[]): string[] {
  return objects.map(
    ({ name, file, cached }) =>
      `${pc.bold(name)} ${path.relative(config.workspaceRoot, file)}${cached ? pc.dim(' (unchanged)') : ''}`,
  );
}

/** Paths relative to the workspace: the same in every checkout. */
function builtJson(
  { config }: CommandInput,
  objects: readonly BuiltObject[],
): { name: string; file: string; sha256: string; cached: boolean }[] {
  return objects.map(({ name, file, sha256, cached }) => ({
    name,
    file: path.relative(config.workspaceRoot, file),
    sha256,
    cached,
  }));
}
