import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { BpfError, nearest } from '../errors';
import { findTracefs } from '../kernel';

/** A tracepoint of the kernel: `sched` and `sched_process_exec`. */
export interface TracepointName {
  readonly category: string;
  readonly name: string;
}

/**
 * Split `sched/sched_process_exec`; a colon does too, as perf(1) writes it.
 *
 * @throws BpfError TRACEPOINT_NOT_FOUND when a part is missing
 */
export function parseTracepoint(text: string): TracepointName {
  const match = /^([^/:]+)[/:]([^/:]+)$/.exec(text);
  if (match !== null) return { category: match[1]!, name: match[2]! };
  throw new BpfError('TRACEPOINT_NOT_FOUND', `'${text}' does not name a tracepoint`, {
    symbol: text,
    expected: 'CATEGORY/NAME, such as sched/sched_process_exec',
  });
}

/**
 * The number perf_event_open(2) knows a tracepoint by, from tracefs.
 *
 * @throws BpfError TRACEPOINT_NOT_FOUND with the nearest names, or when tracefs is not mounted
 */
export function tracepointId({ category, name }: TracepointName): number {
  const file = path.join(eventsDirectory(`${category}/${name}`), category, name, 'id');
  try {
    return Number(readFileSync(file, 'latin1'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw new BpfError(
        'ATTACH_FAILED',
        `tracepoint ${category}/${name}: its id cannot be read`,
        { path: file },
        error,
      );
    }
    throw notFound(`${category}/${name}`, allTracepoints());
  }
}

/**
 * Every tracepoint as `category/name`; empty where tracefs is not mounted or may not be read.
 *
 * @example
 * ```ts
 * allTracepoints().includes('sched/sched_process_exec'); // true
 * ```
 */
export function allTracepoints(): string[] {
  const events = tracefs();
  if (events === undefined) return [];
  return directories(events).flatMap((category) =>
    directories(path.join(events, category)).map((name) => `${category}/${name}`),
  );
}

/** The error for a tracepoint that this kernel does not have. */
export function notFound(symbol: string, known: readonly string[]): BpfError {
  const near = nearest(symbol, known);
  const hint =
    near.length > 0
      ? `did you mean ${near.join(' or ')}?`
      : known.length > 0
        ? `\`ls ${tracefs()}\` shows what there is`
        : 'mount tracefs (`mount -t tracefs tracefs /sys/kernel/tracing`) to see what there is';
  return new BpfError('TRACEPOINT_NOT_FOUND', `this kernel has no tracepoint '${symbol}'`, { symbol, hint });
}

function eventsDirectory(symbol: string): string {
  const events = tracefs();
  if (events !== undefined) return events;
  throw new BpfError(
    'TRACEPOINT_NOT_FOUND',
    `tracepoint '${symbol}' cannot be looked up: tracefs is not mounted`,
    {
      symbol,
      hint: 'mount it: `mount -t tracefs tracefs /sys/kernel/tracing`',
    },
  );
}

function tracefs(): string | undefined {
  const mount = findTracefs();
  return mount === undefined ? undefined : path.join(mount, 'events');
}

function directories(directory: string): string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
  } catch {
    return [];
  }
}
