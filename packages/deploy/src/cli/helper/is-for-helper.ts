import { type ProjectConfig } from '../../manifest';
import { helperCommands, type HelperCommand } from '../../privileges';
import { type CommandName } from '../commands';

/** Whether a command is one for the helper: the manifest says that there is one, and this user is not root. */
export function isForHelper(command: CommandName, config: ProjectConfig): command is HelperCommand {
  return (
    config.privileges.helper !== 'none' &&
    process.geteuid?.() !== 0 &&
    helperCommands.some((known) => known === command)
  );
}
