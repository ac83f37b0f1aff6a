import path from 'node:path';
import pc from 'picocolors';
import { apply, destroy, planProject, repair, rollback, status } from '../apply';
import { readPlan } from '../plan';
import {
  describeConfig,
  inWorkspace,
  planSummary,
  renderConfig,
  renderDeployment,
  renderPlan,
  type Annotation,
} from '../report';
import { layoutOf } from '../state';
import { bundle } from './bundle';
import { lock } from './lock';
import { report } from './report';
import { objectsOf, relocations, type CommandObject } from './objects';
import { writeProjectTypes } from './types/write';
import { verifyProject } from './verify';
import { type Answer, type CommandInput } from './request';

export type CommandName =
  | 'build'
  | 'verify'
  | 'plan'
  | 'apply'
  | 'status'
  | 'rollback'
  | 'destroy'
  | 'config'
  | 'lock'
  | 'bundle'
  | 'types'
  | 'report';

type CommandFunction = (input: CommandInput) => Answer | Promise<Answer>;

/** What a project can be asked for: each returns what people read and what scripts read. */
export const commands: Readonly<Record<CommandName, CommandFunction>> = {
  async build(input) {
    const objects = await objectsOf(input);
    return {
      lines: builtLines(input, objects),
      result: { ...subject(input), objects: builtJson(input, objects) },
      annotations: objects.flatMap(warnings),
    };
  },

  verify: verifyProject,

  async plan(input) {
    const { config, note, request } = input;
    const objects = await objectsOf(input);
    const { verify } = request;
    const saved = await planProject({ config, objects, cache: relocations(input), note, verify });
    const { plan } = saved;
    if (request.out !== undefined)
      input.surroundings.savePlan(request.out, `${JSON.stringify(saved, null, 2)}\n`);
    const changes = !plan.empty;
    const nothing = `nothing to do: ${title(input)} is as it should be (generation ${plan.from})`;
    return {
      lines: [
        ...renderPlan(plan),
        ...(changes ? [] : [pc.green(nothing)]),
        ...(request.out === undefined
          ? []
          : [`saved as ${request.out}; carry it out with: apply --plan ${request.out}`]),
      ],
      result: {
        ...subject(input),
        changes,
        objects: builtJson(input, objects),
        plan,
        saved: request.out ?? null,
        digest: saved.digest,
      },
      exitStatus: changes && request.detailedExitcode === true ? 2 : 0,
    };
  },

  async apply(input) {
    const { config, note, progress, request } = input;
    const { plan: file } = request;
    const saved = file === undefined ? undefined : readPlan(input.surroundings.readPlan(file), file);
    const objects = await objectsOf(input);
    const cache = relocations(input);
    const {
      plan,
      deployment,
      cache: cached,
      migrations,
    } = await apply({ config, objects, cache, note, progress, saved });
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
        migrations,
        ...deployment,
      },
    };
  },

  async status(input) {
    const { config, note, request } = input;
    if (request.repair === true) {
      const { removed, plan } = await repair(config, note);
      for (const place of removed) note(`removed ${place}`);
      if (plan !== undefined) note(`made again: ${planSummary(plan)}; generation ${plan.from} to ${plan.to}`);
    }
    const found = status(config);
    const { state, absence, drift, foreign, unseen, runs, committed, rolledBackFrom, deployment } = found;
    const result = {
      ...subject(input),
      state,
      absence: absence ?? null,
      drift,
      foreign,
      unseen,
      runs,
      committed: committed ?? null,
      rolledBackFrom: rolledBackFrom ?? null,
      ...deployment,
    };
    if (deployment === undefined) {
      const nothing = `${title(input)}: nothing is deployed`;
      if (absence === undefined) return { lines: [nothing], result };
      return { lines: [`${nothing}: ${absence}`], result, exitStatus: 2 };
    }
    const base = layoutOf(config.pin.root, config.project, config.environment).base;
    const colour = state === 'healthy' ? pc.green : pc.red;
    const origin = rolledBackFrom === undefined ? '' : `, rolled back from ${rolledBackFrom}`;
    return {
      lines: [
        `${title(input)}: ${colour(state)}, generation ${deployment.generation}${origin}, committed ${committed}`,
        ...drift.map((line) => `  ${pc.red('drift')} ${line}`),
        ...foreign.map((line) => `  ${pc.yellow('foreign')} ${line}`),
        ...unseen.map((line) => `  ${pc.yellow('not seen')} ${line}`),
        '',
        `Pins are under ${base}`,
        '',
        ...renderDeployment(deployment, base, runs),
      ],
      result,
      // 2 is "drift found", so that a scheduled check fails.
      exitStatus: state === 'healthy' ? 0 : 2,
    };
  },

  async rollback(input) {
    const { config, note, request } = input;
    const { from, to, plan, deployment } = await rollback(config, { to: request.to, note });
    const base = layoutOf(config.pin.root, config.project, config.environment).base;
    return {
      lines: [
        ...renderPlan(plan),
        pc.green(
          `${title(input)} is back from generation ${from} to what ${to} was, as generation ${deployment.generation}`,
        ),
        '',
        ...renderDeployment(deployment, base),
      ],
      result: { ...subject(input), changed: true, from, to, plan, ...deployment },
    };
  },

  async destroy(input) {
    const removed = await destroy(input.config, input.note, { force: input.request.force });
    const lines =
      removed === undefined
        ? [`nothing to do: ${title(input)} is not deployed`]
        : [
            `${title(input)} removed: ${count(removed.links, 'link')}, ${count(removed.programs, 'program')}, ${count(removed.maps, 'map')}`,
          ];
    return { lines, result: { ...subject(input), changed: removed !== undefined, removed: removed ?? null } };
  },

  async types(input) {
    const { config, request } = input;
    const objects = await objectsOf(input);
    const { file, changed } = writeProjectTypes(config, objects, request.output);
    const place = path.relative(config.workspaceRoot, file);
    return {
      lines: [changed ? `${pc.green('written')} ${place}` : `nothing to do: ${place} is as it should be`],
      result: { ...subject(input), objects: builtJson(input, objects), file: place, changed },
    };
  },

  config(input) {
    return { lines: renderConfig(input.config), result: describeConfig(input.config) };
  },

  lock,
  bundle,
  report,
};

function subject({ config }: CommandInput): { project: string; environment: string } {
  return { project: config.project, environment: config.environment };
}

function title({ config }: CommandInput): string {
  return pc.bold(`${config.project}@${config.environment}`);
}

function count(list: readonly unknown[], noun: string): string {
  return `${list.length} ${noun}${list.length === 1 ? '' : 's'}`;
}

/** What the compiler warned of. */
function warnings({ diagnostics = [] }: CommandObject): Annotation[] {
  return diagnostics
    .filter(({ severity }) => severity === 'warning')
    .map(({ file, line, column, message }) => ({
      kind: 'warning',
      rule: 'COMPILER_WARNING',
      file: inWorkspace(file),
      line,
      column,
      text: message,
    }));
}

function builtLines({ config }: CommandInput, objects: readonly CommandObject[]): string[] {
  return objects.map(
    ({ name, file, cached }) =>
      `${pc.bold(name)} ${path.relative(config.workspaceRoot, file)}${cached ? pc.dim(' (unchanged)') : ''}`,
  );
}

/** Paths relative to the workspace: the same in every checkout. */
function builtJson(
  { config }: CommandInput,
  objects: readonly CommandObject[],
): { name: string; file: string; sha256: string; cached: boolean }[] {
  return objects.map(({ name, file, sha256, cached }) => ({
    name,
    file: path.relative(config.workspaceRoot, file),
    sha256,
    cached,
  }));
}
