/**
 * `@nx-bpf/deploy/run`: commands on projects for a process of its own, as Nx starts one for each task. As published it
 * is the bundled file of the command line with its code cache (`bin/run.js`): one file in place of 330.
 */
export { type CommandName } from './cli/commands';
export { type Outcome, type Request } from './cli/request';
export { runAt } from './cli/run-at';
