export { withConstants } from './constants';
export { coreKind } from './core';
export { decodeRelocated } from './decode';
export {
  constantsDigest,
  instructionsDigest,
  mapAbiDigest,
  objectDigest,
  relocationInputsDigest,
  type RelocationInputs,
} from './digests';
export { encodeRelocated, RELOCATED_VERSION } from './encode';
export { type MapOverride, withMaps } from './map-overrides';
export { type PlacedFunction, programFunctions } from './program-functions';
export { reachOf, type Reached } from './reach';
export { relocateObject, type RelocateOptions } from './relocate-object';
export {
  type AttachTarget,
  type Binding,
  type PoisonedRelocation,
  type RelocatedObject,
  type RelocatedProgram,
} from './relocated';
export { type KnownToKernel, knownToKernel } from './known-to-kernel';
export { type Requirement } from './requirement';
export { type ProgramRequirements, requirementsOf } from './requirements';
export { type TargetKernel, type VirtualExtern } from './target';
