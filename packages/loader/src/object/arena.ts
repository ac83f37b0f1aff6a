import { MapType } from './map-types';
import { objectError, type ObjectSource, sectionsOf } from './source';
import { type MapSpec } from './spec';

/**
 * The map whose memory holds the variables of section `.addr_space.1` (`__arena` of bpf_arena_common.h, Linux 6.9);
 * undefined for an object without an arena. A program refers to one arena at most, so an object has one.
 *
 * @throws BpfError MAP_INVALID for two arenas, or variables without one
 */
export function arenaOf(source: ObjectSource, maps: readonly MapSpec[]): MapSpec | undefined {
  const [arena, second] = maps.filter((map) => map.type === MapType.arena);
  const [section] = sectionsOf(source, 'arena');
  if (second !== undefined)
    throw objectError(source, 'MAP_INVALID', 'an object has one arena', {
      section: second.section,
      map: second.name,
      found: `'${arena!.name}' and '${second.name}'`,
    });
  if (section !== undefined && arena === undefined)
    throw objectError(
      source,
      'MAP_INVALID',
      `variables of section '${section.name}' have no arena to be in`,
      {
        section: section.name,
        hint: 'define a map of type BPF_MAP_TYPE_ARENA in SEC(".maps")',
      },
    );
  return section === undefined ? arena : { ...arena!, data: section.data };
}
