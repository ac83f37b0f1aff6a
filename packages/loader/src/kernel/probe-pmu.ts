import { readFileSync } from 'node:fs';

const directory = '/sys/bus/event_source/devices';

/** A source of perf events (a PMU, as the kernel calls it) whose number each kernel chooses itself. */
export interface ProbePmu {
  /** For `type` of `struct perf_event_attr`. */
  readonly type: number;
  /** Lowest bit of each of its fields in `config`, by name: `retprobe` is 0, `ref_ctr_offset` 32. */
  readonly fields: ReadonlyMap<string, bigint>;
}

/**
 * The kprobe or uprobe source of perf events (Linux 4.17), from sysfs.
 *
 * @returns undefined where the kernel has none, or sysfs is not mounted
 *
 * @example
 * ```ts
 * probePmu('uprobe')?.fields.get('retprobe'); // 0n
 * ```
 */
export function probePmu(name: 'kprobe' | 'uprobe'): ProbePmu | undefined {
  const type = read(`${directory}/${name}/type`);
  if (type === undefined) return undefined;
  const fields = new Map<string, bigint>();
  for (const field of ['retprobe', 'ref_ctr_offset']) {
    const bit = /^config:(\d+)/.exec(read(`${directory}/${name}/format/${field}`) ?? '')?.[1];
    if (bit !== undefined) fields.set(field, BigInt(bit));
  }
  return { type: Number(type), fields };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    return undefined;
  }
}
