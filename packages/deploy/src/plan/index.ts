export { basisOf, checkFresh, readPlan, savePlan, type Basis, type SavedPlan } from './basis';
export {
  type BeforeAfter,
  type Change,
  type Drift,
  type Foreign,
  type LinkChange,
  type MapChange,
  type MapDifference,
  type Plan,
  type ProgramChange,
  type Reason,
  type Switch,
} from './change';
export * from './desired';
export { driftText, findDrift } from './drift';
export { mapDifferences, mapDifferenceText } from './map-differences';
export { makePlan } from './plan';
export { exclusivePlace, planLinks } from './plan-links';
