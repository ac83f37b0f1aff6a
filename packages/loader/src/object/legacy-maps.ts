import { type ByteView } from '../bytes';
import { type ElfSection } from '../elf';
import { kernelName } from './kernel-name';
import { mapTypeName, MapType } from './map-types';
import { objectError, type ObjectSource, sectionsOf } from './source';
import { type MapSlot, type MapSpec } from './spec';
import { type DefinedSymbol } from './symbols';

/** Bytes of the shortest `struct bpf_map_def`: type, key size, value size, max entries. */
const SHORTEST = 16;
/** The same with flags. */
const WITH_FLAGS = 20;
/** Bytes of iproute2's `struct bpf_elf_map`: with flags, id, pinning, inner id, inner index. */
const IPROUTE2 = 36;

interface LegacyMap {
  readonly name: string;
  readonly spec: MapSpec;
  /** iproute2: a map whose inner maps have this `id` is its outer map; it takes the slot `innerIndex` there. */
  readonly id: number;
  readonly innerId: number;
  readonly innerIndex: number;
}

/**
 * The maps of sections `maps` and `maps/...`, each a struct of 32-bit numbers: `struct bpf_map_def` of libbpf before
 * 1.0, or `struct bpf_elf_map` of iproute2 (bpf_elf.h), which its length tells.
 *
 * @throws BpfError MAP_STATIC for a static map, MAP_INVALID for a struct of another shape
 */
export function legacyMaps(source: ObjectSource): MapSpec[] {
  const maps = sectionsOf(source, 'legacy-maps').flatMap((section) => {
    const view = source.elf.view(section);
    const symbols = (source.symbols.defined.get(section.index) ?? []).filter((symbol) => !symbol.function);
    if (symbols.length === 0)
      throw objectError(
        source,
        'MAP_INVALID',
        `section '${section.name}' defines maps, but has no symbol for them`,
        {
          section: section.name,
        },
      );
    return symbols.map((symbol) => readMap(source, section, view, symbol));
  });
  return maps.map((map) => withInnerMaps(source, map, maps));
}

function readMap(
  source: ObjectSource,
  section: ElfSection,
  view: ByteView,
  symbol: DefinedSymbol,
): LegacyMap {
  const { name, offset, size, binding } = symbol;
  if (binding === 'local')
    throw objectError(source, 'MAP_STATIC', `map '${name}' is static`, {
      section: section.name,
      map: name,
      hint: "remove 'static': a map needs a name that the whole object sees",
    });
  const word = (bytes: number): number => (bytes < size ? view.u32(offset + bytes) : 0);
  const iproute2 = size === IPROUTE2;
  const extra = iproute2
    ? []
    : Array.from({ length: Math.max(0, size - WITH_FLAGS) }, (_, i) => WITH_FLAGS + i);
  if (size < SHORTEST || size % 4 !== 0 || extra.some((at) => view.u8(offset + at) !== 0))
    throw objectError(source, 'MAP_INVALID', `map '${name}' in section '${section.name}'`, {
      section: section.name,
      offset,
      map: name,
      found: `a definition of ${size} bytes${size > WITH_FLAGS ? ' with values that nobody knows' : ''}`,
      expected: `struct bpf_map_def (${WITH_FLAGS} bytes) or iproute2's struct bpf_elf_map (${IPROUTE2})`,
      hint: 'define the map in SEC(".maps")',
    });
  const spec: MapSpec = {
    name,
    kernelName: kernelName(name),
    origin: 'legacy',
    section: section.name,
    type: word(0),
    keySize: word(4),
    valueSize: word(8),
    maxEntries: word(12),
    flags: word(16),
    numaNode: undefined,
    mapExtra: 0n,
    pinByName: iproute2 && word(24) !== 0,
    keyTypeId: 0,
    valueTypeId: 0,
    inner: undefined,
    slots: [],
    data: undefined,
    frozen: false,
  };
  if (spec.type === MapType.unspec)
    throw objectError(source, 'MAP_INVALID', `map '${name}' in section '${section.name}'`, {
      section: section.name,
      map: name,
      found: 'type 0',
      expected: 'a BPF_MAP_TYPE_...',
    });
  return {
    name,
    spec,
    id: iproute2 ? word(20) : 0,
    innerId: iproute2 ? word(28) : 0,
    innerIndex: iproute2 ? word(32) : 0,
  };
}

/** iproute2 ties maps together by numbers: every map with the id that an outer map asks for is one of its values. */
function withInnerMaps(source: ObjectSource, map: LegacyMap, all: readonly LegacyMap[]): MapSpec {
  const { spec, innerId, name } = map;
  const holdsMaps = spec.type === MapType.array_of_maps || spec.type === MapType.hash_of_maps;
  if (!holdsMaps || innerId === 0) return spec;
  const values = all.filter((other) => other.id === innerId && other !== map);
  const [template] = values;
  if (template === undefined)
    throw objectError(source, 'MAP_INVALID', `map '${name}', of type ${mapTypeName(spec.type)}`, {
      section: spec.section,
      map: name,
      found: `no map with id ${innerId}, the inner_id that it asks for`,
    });
  const slots: MapSlot[] = values.map((value) => ({ index: value.innerIndex, map: value.name }));
  return { ...spec, inner: template.spec, slots: slots.sort((a, b) => a.index - b.index) };
}
