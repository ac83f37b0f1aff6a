/**
 * `@nx-bpf/deploy`: from a manifest to what is in the kernel. The command line and the Nx plugin are thin over this.
 */
export {
  apply,
  destroy,
  planProject,
  repair,
  rollback,
  status,
  type ApplyInput,
  type ApplyResult,
  type Status,
} from './apply';
export { RelocationCache } from './cache';
export { type Outcome, type Request } from './cli/request';
export { run } from './cli/run';
export { runOrWatch, watch } from './cli/watch';
export {
  findWorkspace,
  listProjects,
  loadProject,
  manifestFile,
  type ListedProject,
  type ProjectConfig,
} from './manifest';
export { makePlan, type Plan, type SavedPlan } from './plan';
export { renderError } from './report';
export { type Deployment } from './state';
export { verify, type KernelVerdict, type ProgramVerdict, type VerifyInput } from './verify';
