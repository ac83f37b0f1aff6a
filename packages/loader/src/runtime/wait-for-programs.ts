import { failure, Fd, mapCreate, mapUpdate } from '../kernel';
import { MapType } from '../object';

/**
 * Waits until every program that runs now has returned, on every CPU; those that sleep are not waited for. After a
 * link was switched, nothing uses the old program, or writes to its maps, once this returns.
 *
 * The kernel waits so (an RCU grace period) after a slot of a map of maps was changed, since 1ae80cf31938 (Linux 5.0):
 * here it is a map of maps that nobody has.
 *
 * @throws BpfError MAP_CREATE_FAILED, PRIVILEGE_MISSING
 *
 * @example
 * ```ts
 * waitForPrograms();
 * ```
 */
export function waitForPrograms(): void {
  const shape = { key_size: 4, value_size: 4, max_entries: 1 };
  const inner = create({ map_type: MapType.array, ...shape });
  try {
    const outer = create({ map_type: MapType.array_of_maps, ...shape, inner_map_fd: inner.number });
    try {
      mapUpdate(outer.number, new Uint8Array(4), new Uint8Array(Uint32Array.of(inner.number).buffer));
    } finally {
      outer.close();
    }
  } finally {
    inner.close();
  }
}

function create(attributes: Parameters<typeof mapCreate>[0]): Fd {
  const result = mapCreate(attributes);
  if (result < 0) throw failure('BPF_MAP_CREATE', result, { code: 'MAP_CREATE_FAILED', needs: ['CAP_BPF'] });
  return new Fd(result, 'a map to wait with');
}
