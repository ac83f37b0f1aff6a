import { BpfError } from '../errors';
import { Fd, fdById } from '../kernel';
import { MapType } from '../object';

/**
 * What can be put into a map of maps, programs or sockets: an object that owns an fd (a `BpfMap`, a `Program`), the id
 * of one in the kernel, or the number of an fd.
 */
export type Handle = { readonly fd: number } | { readonly id: number } | number;

/** What maps hold whose values are fds when they are written, and ids when they are read. */
const held: ReadonlyMap<number, 'program' | 'map' | 'file'> = new Map([
  [MapType.prog_array, 'program'],
  [MapType.array_of_maps, 'map'],
  [MapType.hash_of_maps, 'map'],
  [MapType.perf_event_array, 'file'],
  [MapType.cgroup_array, 'file'],
  [MapType.sockmap, 'file'],
  [MapType.sockhash, 'file'],
  [MapType.xskmap, 'file'],
  [MapType.reuseport_sockarray, 'file'],
]);

/**
 * What a map of this type holds besides bytes: programs, maps, or other files (sockets, cgroups, perf events).
 *
 * @example
 * ```ts
 * heldBy(MapType.prog_array); // 'program'
 * heldBy(MapType.hash); // undefined
 * ```
 */
export function heldBy(type: number): 'program' | 'map' | 'file' | undefined {
  return held.get(type);
}

/**
 * Use the fd that a value stands for; one that was opened for it is closed again.
 *
 * @param what names the map in errors: `map 'inner'`
 * @throws BpfError CONSTANT_INVALID for what is no handle, or an id that no object has
 */
export function withHandle<T>(
  what: string,
  kind: 'program' | 'map' | 'file',
  value: unknown,
  use: (fd: number) => T,
): T {
  if (isFd(value)) return use(value);
  if (typeof value === 'object' && value !== null) {
    if ('fd' in value && isFd(value.fd)) return use(value.fd);
    if (kind !== 'file' && 'id' in value && typeof value.id === 'number') {
      const number = fdById(kind, value.id);
      if (number === undefined) throw refusal(what, `id ${value.id}`, `the id of a ${kind} in the kernel`);
      const fd = new Fd(number, `${kind} ${value.id}`);
      try {
        return use(fd.number);
      } finally {
        fd.close();
      }
    }
  }
  const expected = kind === 'file' ? 'an fd' : `a ${kind}: its object, { id } or an fd`;
  throw refusal(what, `a ${value === null ? 'null' : typeof value}`, expected);
}

function isFd(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0x7fffffff;
}

function refusal(what: string, found: string, expected: string): BpfError {
  return new BpfError('CONSTANT_INVALID', `${what}: value`, { found, expected });
}
