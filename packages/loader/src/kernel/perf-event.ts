import { TASK_FD_QUERY } from './attributes';
import { bpfCall } from './bpf';
import { decode, encode, layoutSize, textAt, type Layout, type LayoutInput } from './layout';
import { lastErrno, native } from './native';

/**
 * `struct perf_event_attr` of include/uapi/linux/perf_event.h up to `config2` and further to `config3`; the
 * single-bit flags from `disabled` on share the word `flags`.
 */
export const PERF_EVENT_ATTR = {
  /** `enum perf_type_id`, or the number in /sys/bus/event_source/devices/PMU/type. */
  type: [0, 'u32'],
  size: [4, 'u32'],
  /** Tracepoint id, software event, or a PMU's own. */
  config: [8, 'u64'],
  /** `sample_freq` with the `freq` flag. */
  sample_period: [16, 'u64'],
  sample_type: [24, 'u64'],
  read_format: [32, 'u64'],
  flags: [40, 'u64'],
  wakeup_events: [48, 'u32'],
  bp_type: [52, 'u32'],
  /** `bp_addr`, `kprobe_func` or `uprobe_path` (addresses). */
  config1: [56, 'pointer'],
  /** `bp_len`, `kprobe_addr` or `probe_offset`. */
  config2: [64, 'u64'],
} as const satisfies Layout;

/** PERF_ATTR_SIZE_VER5 (Linux 4.1): what every kernel with BPF perf events knows; the rest stays zero. */
const attributeSize = 112;

/** ioctl(2) requests of a perf event, from include/uapi/linux/perf_event.h. */
export const PerfIoctl = { ENABLE: 0x2400, DISABLE: 0x2401, SET_BPF: 0x40042408 } as const;

/** PERF_FLAG_FD_CLOEXEC. */
const closeOnExec = 8;

/**
 * perf_event_open(2), close-on-exec.
 *
 * @param pid process to watch, -1 for all
 * @param cpu CPU to watch, -1 for all; one of the two must be given
 * @returns the fd, or the negative error number
 *
 * @example
 * ```ts
 * perfEventOpen({ type: 2, config: tracepointId, sample_period: 1 }, -1, 0);
 * ```
 */
export function perfEventOpen(
  attributes: LayoutInput<typeof PERF_EVENT_ATTR>,
  pid: number,
  cpu: number,
  group = -1,
): number {
  const bytes = new Uint8Array(Math.max(attributeSize, layoutSize(PERF_EVENT_ATTR)));
  const encoded = encode(PERF_EVENT_ATTR, { ...attributes, size: attributeSize }, bytes);
  const { numbers, perfEventOpen: open } = native();
  const fd = open(numbers.perfEventOpen, encoded.bytes, pid, cpu, group, closeOnExec);
  return fd < 0 ? -lastErrno() : fd;
}

/** `enum bpf_task_fd_type`: what a perf event with a program is on. */
const eventKinds: readonly string[] = [
  'raw_tracepoint',
  'tracepoint',
  'kprobe',
  'kretprobe',
  'uprobe',
  'uretprobe',
];

/** A perf event that runs a program. */
export interface PerfEventProgram {
  readonly programId: number;
  /** `tracepoint`, `kprobe`, `kretprobe`, `uprobe` or `uretprobe`. */
  readonly kind: string;
  /** Tracepoint, function or file; '' for a kprobe at an address. */
  readonly text: string;
  readonly offset: bigint;
  /** Of a kprobe that was made with an address. */
  readonly address: bigint;
}

/**
 * BPF_TASK_FD_QUERY (Linux 4.18) on a perf event of this process.
 *
 * @returns undefined when it runs no program, or the process lacks CAP_SYS_ADMIN
 */
export function perfEventProgram(fd: number): PerfEventProgram | undefined {
  const text = new Uint8Array(4096);
  const { result, attributes } = bpfCall('BPF_TASK_FD_QUERY', TASK_FD_QUERY, {
    pid: process.pid,
    fd,
    buf: text,
    buf_len: text.length,
  });
  if (result < 0) return undefined;
  const { prog_id, fd_type, probe_offset, probe_addr } = decode(TASK_FD_QUERY, attributes.bytes);
  return {
    programId: prog_id,
    kind: eventKinds[fd_type] ?? `type ${fd_type}`,
    text: textAt(text, 0, text.length),
    offset: probe_offset,
    address: probe_addr,
  };
}
