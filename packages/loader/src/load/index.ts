export { mapDifferences } from './compatible';
export { loadObject } from './load-object';
export {
  LoadedObject,
  type LoadedMap,
  type LoadedProgram,
  type LoadOptions,
  type LoadTiming,
  type ProgramTypeChoice,
} from './loaded';
export { type Machine, sizedMap } from './map-size';
export { preparePin, replacePin, unpin } from './pins';
export { fillSlots } from './slots';
export { readVerdict, type VerifierVerdict } from './verifier-log';
