import { readFileSync } from 'node:fs';
import { BpfError } from '../errors';

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
  possible ??= countCpus(readFileSync('/sys/devices/system/cpu/possible', 'latin1'));
  return possible;
}

/** How many CPUs a list of ranges has, such as `0-3,8`: the kernel packs the values of per-CPU maps without gaps. */
export function countCpus(list: string): number {
  const text = list.trim();
  if (!/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(text)) {
    throw new BpfError('FILE', 'list of possible CPUs', {
      found: `'${text}'`,
      expected: "ranges such as '0-3'",
    });
  }
  return text.split(',').reduce((count, range) => {
    const [first, last = first] = range.split('-').map(Number);
    return count + last! - first! + 1;
  }, 0);
}
