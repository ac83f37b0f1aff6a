import fs from 'node:fs';
import path from 'node:path';
import { loadProject, type ProjectConfig } from '../manifest';
import { errorJson, errorStatus, renderError } from '../report';
import { commands, type CommandName } from './commands';
import { outputDirectory } from './output-directory';
import { type Outcome, type Request } from './request';

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
export async function run(command: CommandName, request: Request): Promise<Outcome> {
  const { json = false, verbose = false } = request;
  const people = json ? process.stderr : process.stdout;
  const notes: string[] = [];
  const note = (text: string): void => {
    notes.push(text);
    process.stderr.write(`${text}\n`);
  };
  let config: ProjectConfig | undefined;
  let outcome: Outcome;
  try {
    config = loadProject(request);
    const { lines, result, exitStatus = 0 } = await commands[command]({ config, request, note, verbose });
    if (lines.length > 0) people.write(`${lines.join('\n')}\n`);
    outcome = { success: exitStatus === 0, exitStatus, result: { command, ...result, notes, error: null } };
  } catch (error) {
    process.stderr.write(`${renderError(error, verbose).join('\n')}\n`);
    const { project, environment } = request;
    const result = { command, project, environment: environment ?? null, notes, error: errorJson(error) };
    outcome = { success: false, exitStatus: errorStatus(error), result };
  }
  if (config !== undefined && command !== 'config') keepResult(config, command, outcome, note);
  if (json) process.stdout.write(`${JSON.stringify(outcome.result)}\n`);
  return outcome;
}

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
    fs.writeFileSync(file, `${JSON.stringify(outcome.result, null, 2)}\n`);
  } catch (error) {
    note(
      `the result is not kept in ${path.relative(config.workspaceRoot, file)}: ${(error as Error).message}`,
    );
  }
}
