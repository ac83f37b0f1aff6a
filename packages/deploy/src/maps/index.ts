export { planCarry, VariableCarry, type CarryPlan, type CarryStep } from './carry';
export {
  contentsOf,
  differenceOf,
  restoreContents,
  writeContents,
  type Contents,
  type ContentsCount,
  type ContentsDifference,
} from './contents';
export { MapCopy, type SweepResult } from './copy';
export { planCopy, type CopyPlan } from './copy-plan';
export { noFindings, type CopyFinding, type MapFindings, type Sharer } from './findings';
export { shapeOf, shapeOfSpec, type MapShape } from './shape';
