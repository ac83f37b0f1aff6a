import { BpfError } from '@nx-bpf/loader';
import { type Desired, type Plan } from '../plan';
import { type Ledger, type MapDefinition } from '../state';

/**
 * Ends an apply that would have to throw away a map's entries without having been told to.
 *
 * @throws BpfError MAP_INCOMPATIBLE with every difference of every such map
 */
export function refuseMaps(plan: Plan, desired: Desired, recorded: Ledger | undefined): void {
  const problems = plan.maps
    .filter((change) => change.action === 'refuse')
    .map(({ name }) => {
      const before = recorded!.maps.find((map) => map.name === name)!;
      const after = desired.maps.find((map) => map.name === name)!;
      return `map '${name}': ${differences(before, after).join(', ')}`;
    });
  if (problems.length === 0) return;
  throw new BpfError('MAP_INCOMPATIBLE', problems.join('; '), {
    map: plan.maps.find((change) => change.action === 'refuse')!.name,
    problems,
    hint:
      'the kernel holds it with entries in it; undo the change, set `migrate: recreate` for the map to start with an ' +
      'empty one, or destroy the deployment first',
  });
}

type Placed = MapDefinition & { readonly pin: string | undefined };

function differences(before: Placed, after: Placed): string[] {
  const shown = {
    type: (map: Placed) => map.type,
    key_size: (map: Placed) => map.keySize,
    value_size: (map: Placed) => map.valueSize,
    max_entries: (map: Placed) => map.maxEntries,
    map_flags: (map: Placed) => map.flags,
    pin: (map: Placed) => map.pin ?? 'none',
  };
  const found = Object.entries(shown)
    .filter(([, of]) => of(before) !== of(after))
    .map(([name, of]) => `${name} is ${of(before)}, wanted ${of(after)}`);
  return found.length > 0 ? found : ['the fields of its key or value changed'];
}
