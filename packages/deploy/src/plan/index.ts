export * from './desired';
export {
  findDrift,
  makePlan,
  type Change,
  type LinkChange,
  type MapChange,
  type Plan,
  type ProgramChange,
  type Reason,
} from './plan';
