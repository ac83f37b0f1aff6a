import { BpfError } from '../errors';
import { mapLookup, mapUpdate } from '../kernel';

/** Slots of the specs of one map that this process filled: what is in each, and how many links need it. */
type Slots = Map<number, { readonly content: string; users: number }>;

/** By the kernel's number of the map. */
const taken = new Map<number, Slots>();

/** A map of argument specs. */
export interface SpecMap {
  readonly fd: number;
  readonly id: number;
  readonly maxEntries: number;
}

/**
 * Puts an argument spec into a slot of a map, or finds the one that has it already.
 *
 * A slot of zeros is free. What other processes put there (the maps may be pinned) is left alone. A spec of zeros, of a
 * probe without arguments, is sought from the end: so nobody takes its slot for a free one before all others are taken.
 *
 * @returns the number of the slot
 * @throws BpfError USDT_UNSUPPORTED when all are taken
 */
export function takeSlot(map: SpecMap, spec: Uint8Array): number {
  const slots = slotsOf(map);
  const content = Buffer.from(spec).toString('latin1');
  for (const [slot, held] of slots) {
    if (held.content !== content) continue;
    held.users++;
    return slot;
  }
  const order = Array.from({ length: map.maxEntries }, (_, slot) => slot);
  if (isZero(spec)) order.reverse();
  const free = order.find((slot) => !slots.has(slot) && isZero(read(map, slot, spec.length)));
  if (free === undefined)
    throw new BpfError('USDT_UNSUPPORTED', 'there is no room for one more probe in the maps of the program', {
      found: `${map.maxEntries} descriptions of arguments`,
      hint: 'close links of other probes, or compile the program with a larger BPF_USDT_MAX_SPEC_CNT',
    });
  mapUpdate(map.fd, key(free), spec);
  slots.set(free, { content, users: 1 });
  return free;
}

/** Gives a slot back: the last one who does frees it. */
export function releaseSlot(map: SpecMap, slot: number): void {
  const slots = slotsOf(map);
  const held = slots.get(slot);
  if (held === undefined || --held.users > 0) return;
  slots.delete(slot);
  if (slots.size === 0) taken.delete(map.id);
  mapUpdate(map.fd, key(slot), new Uint8Array(held.content.length));
}

function slotsOf({ id }: SpecMap): Slots {
  let slots = taken.get(id);
  if (slots === undefined) taken.set(id, (slots = new Map()));
  return slots;
}

function read({ fd }: SpecMap, slot: number, size: number): Uint8Array {
  const value = new Uint8Array(size);
  mapLookup(fd, key(slot), value);
  return value;
}

function key(slot: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(slot).buffer);
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
