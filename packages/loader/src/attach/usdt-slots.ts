import { BpfError } from '../errors';
import { closeFd, fdById, mapLookup, mapUpdate } from '../kernel';

/** A slot of a map that links of this process need. */
interface Slot {
  readonly content: string;
  /** How many links need it. */
  users: number;
  /** Filled by this process, which may fill it anew once nobody needs it. */
  readonly ours: boolean;
}

/** By the kernel's number of the map, and of the slot. */
const known = new Map<number, Map<number, Slot>>();

/** A map of argument specs. */
export interface SpecMap {
  readonly fd: number;
  readonly id: number;
  readonly maxEntries: number;
}

/**
 * Puts an argument spec into a slot of a map, or finds one that has it already.
 *
 * The map and links that use it may be pinned, so a slot that was filled stays so, and whoever needs the same spec later
 * shares it: a deployment that is made anew takes no further slots. Only when there is no empty slot left is one filled
 * anew that this process filled and no link of it needs any more.
 *
 * An empty slot is all zeros, and so is the spec of a probe without arguments and cookie: that is sought from the end, to
 * be the last that is taken for an empty one.
 *
 * @returns the number of the slot
 * @throws BpfError USDT_UNSUPPORTED when all are taken
 */
export function takeSlot(map: SpecMap, spec: Uint8Array): number {
  const slots = slotsOf(map);
  const content = textOf(spec);
  for (const [slot, held] of slots) {
    if (held.content !== content) continue;
    held.users++;
    return slot;
  }
  const empty = textOf(new Uint8Array(spec.length));
  const order = Array.from({ length: map.maxEntries }, (_, slot) => slot);
  if (content === empty) order.reverse();
  const found = order
    .filter((slot) => !slots.has(slot))
    .map((slot) => ({ slot, now: textOf(read(map, slot, spec.length)) }));
  const same = found.find(({ now }) => now === content && now !== empty);
  if (same !== undefined) {
    slots.set(same.slot, { content, users: 1, ours: false });
    return same.slot;
  }
  const free =
    found.find(({ now }) => now === empty)?.slot ?? order.find((slot) => slots.get(slot)?.users === 0);
  if (free === undefined)
    throw new BpfError('USDT_UNSUPPORTED', 'there is no room for one more probe in the maps of the program', {
      found: `${map.maxEntries} descriptions of arguments`,
      hint: 'load the program anew, or compile it with a larger BPF_USDT_MAX_SPEC_CNT',
    });
  mapUpdate(map.fd, key(free), spec);
  slots.set(free, { content, users: 1, ours: true });
  return free;
}

/** Gives a slot back. */
export function releaseSlot(map: SpecMap, slot: number): void {
  const slots = slotsOf(map);
  const held = slots.get(slot);
  if (held === undefined) return;
  held.users--;
  if (held.users === 0 && !held.ours) slots.delete(slot);
}

function slotsOf({ id }: SpecMap): Map<number, Slot> {
  let slots = known.get(id);
  if (slots === undefined) {
    for (const other of known.keys()) if (!isThere(other)) known.delete(other);
    known.set(id, (slots = new Map()));
  }
  return slots;
}

/** Without the right to ask, it may be. */
function isThere(map: number): boolean {
  try {
    const fd = fdById('map', map);
    if (fd !== undefined) closeFd(fd);
    return fd !== undefined;
  } catch {
    return true;
  }
}

/** Ids of the maps of which something is remembered: those that were there when the last one came. */
export function rememberedMaps(): number[] {
  return [...known.keys()];
}

function read({ fd }: SpecMap, slot: number, size: number): Uint8Array {
  const value = new Uint8Array(size);
  mapLookup(fd, key(slot), value);
  return value;
}

function key(slot: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(slot).buffer);
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
