export { AttachType, attachTypeName, type AttachTypeName, attachTypes } from './attach-types';
export { kernelName, objectName } from './kernel-name';
export { MapType, mapTypeName, type MapTypeName, mapTypes } from './map-types';
export { parseObject } from './parse-object';
export { ProgramType, programTypeName, type ProgramTypeName, programTypes } from './program-types';
export { loadableType } from './programs';
export { isUsdtSection, sectionMeaning, type SectionMeaning } from './section-name';
export { sectionRows, type SectionRow, type SectionTrait } from './section-rows';
export { structOpsStruct } from './struct-ops';
export type {
  BtfTarget,
  ExternSpec,
  FunctionSpec,
  MapOrigin,
  MapSlot,
  MapSpec,
  ObjectSpec,
  ProgramSpec,
  Reference,
  StructOpsSpec,
  VariableSpec,
} from './spec';
