import fs from 'node:fs';
import path from 'node:path';
import { BpfError } from '@nx-bpf/loader';
import { type OpenBundle } from '../bundle';
import { RememberedManifests } from '../cache';
import { listProjects, type ProjectConfig } from '../manifest';
import { annotationsOf, errorJson, errorStatus, renderError, resultJson } from '../report';
import { annotate } from './annotate';
import { commands, type CommandName } from './commands';
import { isForHelper } from './helper/is-for-helper';
import { outputDirectory } from './output-directory';
import { type Outcome, type Request } from './request';
import { openSigned, type CheckedBundle } from './signed-bundle';
import { around, isWatched, StatusLine } from './status-line';
import { ofThisProcess, type Surroundings } from './surroundings';

/**
 * Runs a command on a project: prints what people read, and returns (and with `json` prints) what scripts read. The
 * result of a command that builds or deploys is also written as JSON beside the objects:
 * `dist/bpf/<environment>/<command>.json`. Errors are printed and returned, not thrown.
 *
 * @example
 * ```ts
 * const { success } = await run('apply', { workspaceRoot: process.cwd(), project: 'agent', environment: 'dev' });
 * ```
 */
export function run(command: CommandName, request: Request): Promise<Outcome> {
  return runIn(command, request, ofThisProcess);
}

/**
 * The same in other surroundings: the helper's are its caller.
 *
 * @param given a bundle that is open, in place of the one that the request names
 */
export async function runIn(
  command: CommandName,
  request: Request,
  outer: Surroundings,
  given?: OpenBundle,
): Promise<Outcome> {
  const { json = false, verbose = false } = request;
  const line =
    !json && outer === ofThisProcess && isWatched(process.stderr, process.env)
      ? new StatusLine(process.stderr)
      : undefined;
  const surroundings = line === undefined ? outer : around(line, outer);
  const people = (text: string): void => surroundings.write(json ? 'stderr' : 'stdout', text);
  const notes: string[] = [];
  const note = (text: string): void => {
    notes.push(text);
    surroundings.write('stderr', `${text}\n`);
  };
  let config: ProjectConfig | undefined;
  let bundle: OpenBundle | undefined;
  let outcome: Outcome;
  let answered = false;
  try {
    const checked = request.bundle === undefined ? undefined : await checkedBundle(request, note);
    bundle = given ?? checked?.bundle;
    config = bundle?.config ?? manifestOf(command === 'lock' ? inAnEnvironment(request) : request);
    const input = { config, bundle, request, note, progress: line?.show, verbose, surroundings };
    if (isForHelper(command, config)) {
      const { askHelper } = require('./helper/ask') as typeof import('./helper/ask');
      const { result, ...ended } = await askHelper(command, input, checked);
      answered = true;
      outcome = { ...ended, result: { ...result, notes: [...notes, ...result.notes] } };
    } else {
      const { lines, result, error: failed, annotations = [], ...answer } = await commands[command](input);
      const exitStatus = failed?.exitStatus ?? answer.exitStatus ?? 0;
      const error = failed === undefined ? null : errorJson(failed);
      if (lines.length > 0) people(`${lines.join('\n')}\n`);
      answered = true;
      annotate(annotations, request, people);
      outcome = { success: exitStatus === 0, exitStatus, result: { command, ...result, notes, error } };
    }
  } catch (error) {
    surroundings.write('stderr', `${renderError(error, verbose).join('\n')}\n`);
    if (error instanceof BpfError && !answered) annotateError(error, request, note, people);
    const { project, environment = null } = config ?? request;
    const result = { command, project, environment, notes, error: errorJson(error) };
    outcome = { success: false, exitStatus: errorStatus(error), result };
  } finally {
    line?.end();
    if (given === undefined) bundle?.close();
  }
  const keeps = bundle === undefined && command !== 'config' && command !== 'lock';
  if (config !== undefined && keeps) keepResult(config, command, outcome, note);
  if (json) surroundings.write('stdout', `${resultJson(outcome.result)}\n`);
  return outcome;
}

function manifestOf({ workspaceRoot, project, environment, set }: Request): ProjectConfig {
  return new RememberedManifests(path.resolve(workspaceRoot)).load({ project, environment, set });
}

/** The error has been told already: where the file cannot be written is said beside it. */
function annotateError(
  error: BpfError,
  request: Request,
  note: (text: string) => void,
  people: (text: string) => void,
): void {
  try {
    annotate(annotationsOf(error), request, people);
  } catch (second) {
    note((second as Error).message);
  }
}

/** `lock` without an environment goes through all of them, so it needs no default: any will do to read the manifest. */
function inAnEnvironment(request: Request): Request {
  if (request.environment !== undefined) return request;
  const project = listProjects(request.workspaceRoot).find(({ name }) => name === request.project);
  return { ...request, environment: project?.defaultEnvironment ?? project?.environments[0] };
}

/** A bundle is of one project and environment, as it was written: it cannot be asked for another, or for other values. */
async function checkedBundle(request: Request, note: (text: string) => void): Promise<CheckedBundle> {
  const { bundle: file = '', set = [], frozen, watch } = request;
  const alone = (option: string, why: string, hint: string): BpfError =>
    new BpfError('USAGE', `${why}: ${option} and --bundle do not go together`, { hint });
  if (set.length > 0)
    throw alone('--set', 'a bundle has its values', 'write another bundle with nx-bpf bundle --set ...');
  if (frozen === true)
    throw alone(
      '--frozen',
      'nothing of a bundle is built here',
      'nx-bpf bundle --frozen writes one as it is locked',
    );
  if (watch === true) throw alone('--watch', 'a bundle stays as it is', 'write and apply another bundle');
  const checked = await openSigned(file, request, note);
  const { bundle } = checked;
  for (const name of ['project', 'environment'] as const) {
    const expected = request[name] ?? '';
    const found = bundle.config[name];
    if (expected === '' || expected === found) continue;
    bundle.close();
    throw new BpfError('USAGE', `${file} is for another ${name}`, { path: file, found, expected });
  }
  return checked;
}

/** Where it cannot be written the command has still done what it has done: that is a note. */
function keepResult(
  config: ProjectConfig,
  command: CommandName,
  outcome: Outcome,
  note: (text: string) => void,
): void {
  const directory = outputDirectory(config);
  const file = path.join(directory, `${command}.json`);
  try {
    fs.mkdirSync(directory, { recursive: true });
    fs.writeFileSync(file, `${resultJson(outcome.result, 2)}\n`);
  } catch (error) {
    note(
      `the result is not kept in ${path.relative(config.workspaceRoot, file)}: ${(error as Error).message}`,
    );
  }
}
