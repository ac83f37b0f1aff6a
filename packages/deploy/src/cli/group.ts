import { InvalidArgumentError, type Command } from 'commander';
import { type Deployments } from './find';
import { type Outcome } from './request';

/** Adds the commands of a group to the command line. What a command needs is loaded when it runs. */
export type Group = (program: Command, finish: (outcome: Outcome) => void) => void;

/** What commands on objects in the kernel take. */
export interface ObjectOptions extends Deployments {
  json?: boolean;
  verbose?: boolean;
}

/** How a command names an object: for its help. */
export const targetHelp = 'path of a pin, id, or PROJECT/NAME of a deployment';

/** Options of every command that takes a target. */
export function withTarget(command: Command): Command {
  return command
    .option(
      '-e, --env <name>',
      "environment of PROJECT/NAME; by default the manifest's, or the only one deployed",
    )
    .option('--root <dir>', "pin root of PROJECT/NAME; by default the workspace's, else /sys/fs/bpf/nx-bpf");
}

/** Options of every command. */
export function withOutput(command: Command, json = 'one JSON value on stdout'): Command {
  return command.option('--json', json).option('--verbose', 'causes of errors too');
}

/** Examples under the help of a command. */
export function withExamples(command: Command, ...examples: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`);
}

/** A whole number of an option. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && Number.isSafeInteger(value)) return value;
    throw new InvalidArgumentError(`a whole number from ${least} on is expected.`);
  };
}

export const done: Outcome = { success: true, exitStatus: 0, result: null };
