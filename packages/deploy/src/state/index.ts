export { attachPoints, type AttachPlace, type AttachPoint } from './attach-points';
export { cardOwner, createCard } from './card';
export { type DeployedLink, type DeployedMap, type DeployedProgram, type Deployment } from './deployment';
export { createDirectories, isThere, notAllowed, removeIfEmpty } from './directories';
export { frozenDigest } from './frozen-digest';
export {
  generationLedger,
  generationMapPin,
  generationPath,
  isInside,
  layoutOf,
  linkPin,
  mapPin,
  programPin,
  sharedBase,
  sharedMapPin,
  temporaryPrefix,
  type Layout,
} from './layout';
export {
  type Ledger,
  type LedgerLink,
  type LedgerMap,
  type LedgerProgram,
  type MapDefinition,
  type ObjectIdentity,
  type ProgramIdentity,
} from './ledger';
export {
  createNote,
  isSamePlace,
  isUnlinked,
  lookAtPlaces,
  notedPlaces,
  readNote,
  removeNoted,
  type NotedPlace,
} from './place-note';
export { keptGenerations, unnamedPlaces } from './leftovers';
export { createLedgerMap, currentLedger, openPinned, readLedger } from './ledger-map';
export { acquireLock } from './lock';
export { refuseOpenDirectories } from './own-directories';
export { holderText, lockHolder, type LockHolder } from './lock-holder';
export {
  idRun,
  observe,
  openMap,
  recordedPlaces,
  type Observed,
  type ObservedLink,
  type ObservedMap,
  type ObservedProgram,
} from './observe';
export {
  noteOutsidePins,
  notedOutsidePins,
  pinnedMapId,
  removeOutsidePin,
  type OutsidePin,
} from './outside-pins';
export { isDirectory, partPins } from './parts';
export { translatedDigest } from './translated-digest';
export { typeFields, type TypeField } from './type-fields';
export {
  isUsedElsewhere,
  removeSharedDirectories,
  sharedLock,
  sharedUses,
  type SharedUse,
} from './shared-maps';
