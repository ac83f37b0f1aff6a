export { attachShape, linkEntryShape } from './attach-shape';
export { chooseVariants, choiceText } from './choose-variants';
export { unmetConditions, type HostFacts } from './conditions';
export { everyProgram, type ProgramOrVariant } from './every-program';
export {
  at,
  defaultMap,
  pinName,
  wantedOf,
  type AttachEntry,
  type BudgetConfig,
  type CarriedVariable,
  type ContentsConfig,
  type CopyConfig,
  type DeployConfig,
  type KernelConfig,
  type KernelTypesSource,
  type LinkEntry,
  type MapConfig,
  type MapPin,
  type ObjectConfig,
  type PacketConfig,
  type PinConfig,
  type PrivilegesConfig,
  type ProgramConfig,
  type ProjectConfig,
  type StructOpsConfig,
  type StructOpsEntry,
  type RunConfig,
  type ToolchainConfig,
  type VariantChoice,
  type VariantConfig,
  type VmlinuxSource,
} from './config';
export {
  findWorkspace,
  listProjects,
  manifestFile,
  nameFiles,
  resolveProject,
  searchedDirectories,
  type ListedProject,
} from './discover';
export { tcpFlags, type WrittenHeaders } from './headers';
export { hookNames, hooks, type Hook, type HookName, type HookOptions, type OptionValue } from './hooks';
export * as jsonShape from './json-shape';
export { type JsonShape } from './json-shape';
export { loadProject, type LoadOptions } from './load-project';
export {
  child,
  layers,
  originAt,
  plain,
  type Layer,
  type Located,
  type Origin,
  type Path,
  type Place,
} from './located';
export { sharedName } from './names';
export { contains } from './paths';
export { placeText, Problems } from './problems';
export { readDataFile } from './read-data';
export { manifestJsonSchema, type Manifest } from './schema';
export { namedBy } from './resolve-attach';
export { optionSchema } from './option-value';
export { zod } from './zod';
