import { BpfError } from '@nx-bpf/loader';
import { pinnedMapId, sharedUses, type Layout, type Ledger } from '../state';

/**
 * Ends going back to a generation whose shared map is not the one that other projects use by now: its pin would be taken
 * from them.
 *
 * @throws BpfError MAP_INCOMPATIBLE naming them
 */
export function refuseShared(layout: Layout, target: Ledger): void {
  const uses = sharedUses(layout);
  for (const { name, pin, id } of target.maps) {
    const others = uses.filter((use) => use.pin === pin).map(({ project }) => project);
    const there = pin === undefined || others.length === 0 ? id : (pinnedMapId(pin) ?? id);
    if (there === id) continue;
    throw new BpfError(
      'MAP_INCOMPATIBLE',
      `map '${name}': generation ${target.generation} had another one than the one that is shared now with ${others.join(', ')}`,
      {
        map: name,
        path: pin,
        hint: 'apply the manifest as it was then, once the others use that definition too',
      },
    );
  }
}
