export { updateAtomically, type AtomicChange, type AtomicOutcome } from './atomic-update';
export { type AtomicField } from './atomic-update-program';
export { Collection } from './collection';
export { loadFile, type LoadFileOptions } from './load-file';
export { BpfMap, type MapIdentity } from './map';
export { lpmKey, lpmText } from './lpm-key';
export {
  countRuns,
  Program,
  type ProgramIdentity,
  type RunStatistics,
  type TestRun,
  type TestRunOutcome,
} from './program';
export { type DumpedInstruction } from './program-dump';
export { RawMap, type Entry, type LookupOptions, type UpdateMode, type UpdateOptions } from './raw-map';
export { heldBy, type Handle } from './handle-value';
export { isIndexed, isPerCpu } from './map-types';
export { type RawChunk } from './walk';
export { EventSource, type EventOptions } from './event-source';
export { type RecordOptions } from './record-decoder';
export { RingBuffer, type RingBufferOptions } from './ring-buffer';
export { Variable } from './variable';
export { waitForPrograms } from './wait-for-programs';
export { PerfEventArray, type PerfEventArrayOptions, type PerfSample } from './perf-event-array';
export { UserRingBuffer } from './user-ring-buffer';
export { PinnedObject } from './pinned-object';
export { TypedObject, type ObjectShape, type ObjectTypes } from './typed-object';
