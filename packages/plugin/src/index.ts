/**
 * The Nx plugin of nx-bpf: targets from `bpf.config.yaml`, and the executors that they run.
 *
 * @example
 * ```json
 * { "plugins": ["@nx-bpf/plugin"] }
 * ```
 */
export { createDependencies, createNodes, preTasksExecution } from './graph';
/** The name that Nx 22 looks for. */
export { createNodes as createNodesV2 } from './graph';
/** How Nx calls the plugin in messages. */
export const name = '@nx-bpf/plugin';
