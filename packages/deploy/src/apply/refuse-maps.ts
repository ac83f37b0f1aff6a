import { BpfError } from '@nx-bpf/loader';
import { mapDifferenceText, type Plan } from '../plan';

/**
 * Ends an apply that would have to throw away a map's entries without having been told to.
 *
 * @throws BpfError MAP_INCOMPATIBLE with every difference of every such map
 */
export function refuseMaps(plan: Plan): void {
  const problems = plan.maps
    .filter((change) => change.action === 'refuse')
    .map(({ name, differences, problems: others }) => {
      const texts = others.length > 0 ? others : differences.map(mapDifferenceText);
      return `map '${name}': ${texts.join(', ')}`;
    });
  if (problems.length === 0) return;
  throw new BpfError('MAP_INCOMPATIBLE', problems.join('; '), {
    map: plan.maps.find((change) => change.action === 'refuse')!.name,
    problems,
    hint:
      'the kernel holds it with entries in it; undo the change, set `migrate: copy` to take the entries over or ' +
      '`migrate: recreate` to start with an empty map, or destroy the deployment first',
  });
}
