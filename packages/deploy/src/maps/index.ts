export { planCarry, VariableCarry, type CarryPlan, type CarryStep } from './carry';
export {
  contentsOf,
  entriesOf,
  differenceOf,
  restoreContents,
  writeContents,
  type Contents,
  type ContentsCount,
  type ContentsDifference,
} from './contents';
export { type EncodedEntry } from './encoded-entries';
export { MapCopy, type SweepResult } from './copy';
export { planCopy, type CopyPlan } from './copy-plan';
export { noFindings, type CopyFinding, type MapFindings, type Sharer } from './findings';
export { familyOf, shapeOf, shapeOfSpec, valueStride, type MapShape } from './shape';
export { hexText, plain, resultJson, valueJson, valueText } from './value-text';
