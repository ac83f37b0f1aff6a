/**
 * Events that perf_event_open(2) knows by number, with the names that perf(1) gives them. Source: `enum perf_type_id`,
 * `enum perf_sw_ids` and `enum perf_hw_id` of include/uapi/linux/perf_event.h.
 */
export const perfEvents = {
  'cpu-clock': software(0),
  'task-clock': software(1),
  'page-faults': software(2),
  'context-switches': software(3),
  'cpu-migrations': software(4),
  'minor-faults': software(5),
  'major-faults': software(6),
  'alignment-faults': software(7),
  'emulation-faults': software(8),
  'cgroup-switches': software(11),
  'cpu-cycles': hardware(0),
  instructions: hardware(1),
  'cache-references': hardware(2),
  'cache-misses': hardware(3),
  'branch-instructions': hardware(4),
  'branch-misses': hardware(5),
  'bus-cycles': hardware(6),
  'ref-cpu-cycles': hardware(9),
} as const;

export type PerfEventName = keyof typeof perfEvents;

interface PerfEvent {
  /** `enum perf_type_id`. */
  readonly type: number;
  readonly config: number;
}

function hardware(config: number): PerfEvent {
  return { type: 0, config };
}

function software(config: number): PerfEvent {
  return { type: 1, config };
}
