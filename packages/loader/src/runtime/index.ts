export { Collection } from './collection';
export { loadFile, type LoadFileOptions } from './load-file';
export { BpfMap, type MapIdentity } from './map';
export { lpmKey, lpmText } from './lpm-key';
export { Program, type ProgramIdentity, type TestRun, type TestRunOutcome } from './program';
export { RawMap, type UpdateMode } from './raw-map';
export { RingBuffer, type RingBufferOptions } from './ring-buffer';
export { Variable } from './variable';
