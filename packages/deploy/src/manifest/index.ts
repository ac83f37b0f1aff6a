export {
  at,
  defaultMap,
  pinName,
  type AttachEntry,
  type DeployConfig,
  type MapConfig,
  type MapPin,
  type ObjectConfig,
  type PinConfig,
  type ProgramConfig,
  type ProjectConfig,
  type ToolchainConfig,
  type VmlinuxSource,
} from './config';
export { findWorkspace, listProjects, manifestFile, resolveProject, type ListedProject } from './discover';
export { hookNames, hooks, type Hook, type HookName, type HookOptions, type OptionValue } from './hooks';
export { loadProject, type LoadOptions } from './load-project';
export { layers, type Layer, type Origin, type Place } from './located';
export { contains } from './paths';
export { placeText, Problems } from './problems';
export { manifestJsonSchema, type Manifest } from './schema';
export { namedBy } from './resolve-attach';
