import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { BpfError } from '../errors';
import { errnoNumber, probePmu, findTracefs, kernelConfig, perfEventOpen, type ProbePmu } from '../kernel';
import { attachEvent, type EventLink } from './event-link';
import { type Attempt } from './failure';
import { type Link } from './link';

/**
 * How a probe is made. `link`: by its source of perf events and with a link (Linux 5.15). `perf`: without a link
 * (4.17). `legacy`: as an event in tracefs. `auto`: the first of them that the kernel has.
 */
export type ProbeMode = (typeof probeModes)[number];

export const probeModes = ['auto', 'link', 'perf', 'legacy'] as const;

/** A place in the kernel or in a file, where a program is to run. */
export interface Probe {
  readonly source: 'kprobe' | 'uprobe';
  /** Where the function returns. */
  readonly returns: boolean;
  /** The kernel's function, or the file; undefined: `offset` is an address of the kernel. */
  readonly symbol: string | undefined;
  readonly offset: number | bigint;
  /** Only in this process. */
  readonly pid?: number | undefined;
  /** Where in the file a 16-bit number is that counts the probe's users. */
  readonly referenceCounter?: number | bigint | undefined;
}

/** A perf event for a probe. */
export interface ProbeEvent {
  readonly fd: number;
  /** `perf` for one of the source's, `legacy` for one in tracefs. */
  readonly kind: 'perf' | 'legacy';
  /** To call once the fd is closed. */
  readonly remove: () => void;
}

/** `enum perf_type_id` of include/uapi/linux/perf_event.h. */
const PERF_TYPE_TRACEPOINT = 2;

const options = { kprobe: 'CONFIG_KPROBE_EVENTS', uprobe: 'CONFIG_UPROBE_EVENTS' } as const;

/**
 * Makes a probe, without a program as yet.
 *
 * @returns the event, or the negative error number
 * @throws BpfError ATTACH_FAILED where the kernel has no such probes, or not in the mode that is asked for
 */
export function openProbe(probe: Probe, mode: ProbeMode, attempt: Attempt): ProbeEvent | number {
  if (mode !== 'legacy') {
    const source = probePmu(probe.source);
    if (source !== undefined) return openBySource(probe, source);
    if (mode !== 'auto') {
      throw impossible(
        attempt,
        `this kernel has no ${probe.source} source of perf events (Linux 4.17)`,
        probe,
      );
    }
  }
  const tracefs = findTracefs();
  if (tracefs === undefined) {
    throw impossible(
      attempt,
      `this kernel has no ${probe.source} source of perf events (Linux 4.17), and tracefs is not mounted`,
      probe,
    );
  }
  return openInTracefs(tracefs, probe, attempt);
}

/**
 * Puts a program on a probe, with a link where the mode and the kernel have one. The event goes over to what holds the
 * program, or is closed.
 *
 * @throws BpfError as the attempt says
 */
export function attachToProbe(
  { fd, kind, remove }: ProbeEvent,
  {
    hook,
    mode,
    cookie,
  }: { readonly hook: string; readonly mode: ProbeMode; readonly cookie: bigint | undefined },
  attempt: Attempt,
): Link | EventLink {
  const by = mode === 'link' ? 'link' : mode === 'perf' || kind === 'legacy' ? 'ioctl' : undefined;
  return attachEvent({ fd, hook, by, cookie, onClose: remove }, attempt);
}

function openBySource(probe: Probe, { type, fields }: ProbePmu): ProbeEvent | number {
  const { returns, symbol, offset, pid = -1, referenceCounter = 0 } = probe;
  const returnBit = returns ? 1n << (fields.get('retprobe') ?? 0n) : 0n;
  const counter = BigInt(referenceCounter) << (fields.get('ref_ctr_offset') ?? 32n);
  const fd = perfEventOpen(
    { type, config: returnBit | counter, config1: symbol, config2: offset },
    pid,
    pid === -1 ? 0 : -1,
  );
  return fd < 0 ? fd : { fd, kind: 'perf', remove: () => undefined };
}

/** Documentation/trace/kprobetrace.rst and uprobetracer.rst: a line makes an event, another removes it. */
function openInTracefs(tracefs: string, probe: Probe, attempt: Attempt): ProbeEvent | number {
  const file = path.join(tracefs, `${probe.source}_events`);
  const event = `nx_bpf/${eventName(probe)}`;
  const made = append(file, `${probe.returns ? 'r' : 'p'}:${event} ${placeText(probe)}`);
  if (made === -errnoNumber('ENOENT') && !isThere(file)) {
    throw impossible(attempt, `this kernel has no ${probe.source}s`, probe);
  }
  if (made < 0) return made;
  const remove = (): void => void append(file, `-:${event}`);
  const { pid = -1 } = probe;
  try {
    const id = Number(readFileSync(path.join(tracefs, 'events', event, 'id'), 'latin1'));
    const fd = perfEventOpen(
      { type: PERF_TYPE_TRACEPOINT, config: id, sample_period: 1 },
      pid,
      pid === -1 ? 0 : -1,
    );
    if (fd >= 0) return { fd, kind: 'legacy', remove };
    remove();
    return fd;
  } catch (error) {
    remove();
    throw error;
  }
}

/** Names of events are words of at most 63 characters; the random end tells apart what several processes make. */
function eventName({ symbol = 'address' }: Probe): string {
  const word = path.basename(symbol).replace(/\W/g, '_').slice(0, 40);
  return `_${word}_${randomBytes(6).toString('hex')}`;
}

function placeText({ source, symbol, offset, referenceCounter }: Probe): string {
  const number = `0x${offset.toString(16)}`;
  if (symbol === undefined) return number;
  if (source === 'kprobe') return Number(offset) === 0 ? symbol : `${symbol}+${number}`;
  const counter = referenceCounter === undefined ? '' : `(0x${referenceCounter.toString(16)})`;
  return `${symbol}:${number}${counter}`;
}

/** Opening such a file to overwrite it would remove every event of everybody. @returns 0 or the negative error number */
function append(file: string, line: string): number {
  let fd: number | undefined;
  try {
    fd = openSync(file, constants.O_WRONLY | constants.O_APPEND);
    writeSync(fd, line);
    return 0;
  } catch (error) {
    return -errnoNumber((error as NodeJS.ErrnoException).code ?? 'EIO');
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function isThere(file: string): boolean {
  try {
    closeSync(openSync(file, constants.O_RDONLY));
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}

/** The error where a kernel lacks what a probe needs: its configuration says why, as far as it is known. */
function impossible({ program, where }: Attempt, what: string, { source }: Probe): BpfError {
  const option = options[source];
  const config = kernelConfig();
  const builtWithout = config.size > 0 && config.get(option) !== 'y';
  return new BpfError('ATTACH_FAILED', `program '${program.name}': attach to ${where}: ${what}`, {
    program: program.name,
    hint: builtWithout
      ? `it is built without ${option}: boot one that has it`
      : `mount tracefs (\`mount -t tracefs tracefs /sys/kernel/tracing\`); the kernel needs ${option}`,
  });
}
