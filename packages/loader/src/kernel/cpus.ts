import { BpfError } from '../errors';
import { systemText } from './system-file';

let possible: number | undefined;

/**
 * How many CPUs the kernel may ever have: the number of values of an element of a per-CPU map, and of slots of a perf
 * event array. From /sys/devices/system/cpu/possible; it can't change while the system runs.
 *
 * @throws BpfError FILE
 *
 * @example
 * ```ts
 * new Uint8Array(possibleCpus() * 8); // room for one u64 of a per-CPU map
 * ```
 */
export function possibleCpus(): number {
  possible ??= countCpus(systemText('/sys/devices/system/cpu/possible'));
  return possible;
}

/**
 * The CPUs that run now, in ascending order: those that a perf event can be opened on. From
 * /sys/devices/system/cpu/online.
 *
 * @throws BpfError FILE
 *
 * @example
 * ```ts
 * onlineCpus().length <= possibleCpus(); // true
 * ```
 */
export function onlineCpus(): number[] {
  return cpuList(systemText('/sys/devices/system/cpu/online'));
}

/** How many CPUs a list of ranges has, such as `0-3,8`: the kernel packs the values of per-CPU maps without gaps. */
export function countCpus(list: string): number {
  return cpuList(list).length;
}

/** More than any kernel can be built for: NR_CPUS is at most 8192. */
const mostCpus = 1 << 16;

/** The CPUs of a list of ranges. */
function cpuList(list: string): number[] {
  const text = list.trim();
  if (!/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(text)) {
    throw new BpfError('FILE', 'list of CPUs', {
      found: `'${text}'`,
      expected: "ranges such as '0-3'",
    });
  }
  let end = 0;
  return text.split(',').flatMap((range) => {
    const [first, last = first] = range.split('-').map(Number);
    if (first! < end || first! > last! || last! >= mostCpus) {
      throw new BpfError('FILE', 'list of CPUs', {
        found: `'${range}'`,
        expected: `an ascending range of CPUs below ${mostCpus}`,
      });
    }
    end = last! + 1;
    return Array.from({ length: end - first! }, (_, i) => first! + i);
  });
}
