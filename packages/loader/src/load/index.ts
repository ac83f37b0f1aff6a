export { mapDifferences } from './compatible';
export { ImageLoad } from './image/load-image';
export { makeImage, setImageCosts, type ImageNames } from './image/make-image';
export { loadObject, loadObjectInThreads } from './load-object';
export {
  LoadedObject,
  type LoadedMap,
  type LoadedProgram,
  type LoadOptions,
  type LoadTiming,
  type ProgramTarget,
  type ProgramTypeChoice,
} from './loaded';
export { type Machine } from './map-size';
export { programFunction } from './program-target';
export { programCapabilities } from './program-privileges';
export { checkPin, preparePin, replacePin, unpin } from './pins';
export { sourceOf, sourceRecords, type SourceLine } from './source-of';
export { wantedPart } from './wanted';
export { structOpsValue } from './struct-ops-value';
export { readVerifierStats, type VerifierStats } from './verifier-stats';
export { type VerifierVerdict } from './verifier-log';
