import { BtfKind, type Btf } from '@nx-bpf/loader';

/** A struct of records that programs send. */
export interface EventType {
  readonly name: string;
  readonly typeId: number;
}

/**
 * The structs of an object that its events are: those that a global pointer of the C source points to, as in
 *
 *     struct exec_event *exec_event_type __attribute__((unused));
 *
 * clang keeps only types that something refers to, and nothing refers to what is given to bpf_ringbuf_submit(), so
 * such a pointer is there anyway.
 *
 * @returns sorted by name
 */
export function eventTypes(btf: Btf): EventType[] {
  const found = new Map<string, EventType>();
  for (let id = btf.firstId; id < btf.endId; id++) {
    if (btf.kind(id) !== BtfKind.VAR) continue;
    const pointer = btf.resolve(btf.type(id));
    if (btf.kind(pointer) !== BtfKind.PTR) continue;
    const typeId = btf.resolve(btf.type(pointer));
    const name = btf.name(typeId);
    if (btf.kind(typeId) === BtfKind.STRUCT && name !== '') found.set(name, { name, typeId });
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
