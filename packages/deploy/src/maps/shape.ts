import { type BpfMap, type Btf, MapType, type MapSpec } from '@nx-bpf/loader';

/** What decides what the bytes of a map's entries mean. */
export interface MapShape {
  readonly name: string;
  /** `enum bpf_map_type`. */
  readonly type: number;
  readonly keySize: number;
  /** Bytes of one value; of one CPU's, in a per-CPU map. */
  readonly valueSize: number;
  readonly maxEntries: number;
  /** Undefined where there are no types, or they may not be read. */
  readonly btf: Btf | undefined;
  readonly keyTypeId: number;
  readonly valueTypeId: number;
}

/** The shape of a map in the kernel, with the types that it was made with. */
export function shapeOf(map: BpfMap): MapShape {
  const { name, type, keySize, valueSize, maxEntries, btf } = map;
  const { keyTypeId, valueTypeId } = map.info();
  return { name, type, keySize, valueSize, maxEntries, btf, keyTypeId, valueTypeId };
}

/** The shape that an object defines; `name` is the map's in the deployment. */
export function shapeOfSpec(spec: MapSpec, btf: Btf | undefined, name: string): MapShape {
  const { type, keySize, valueSize, maxEntries, keyTypeId, valueTypeId } = spec;
  return { name, type, keySize, valueSize, maxEntries, btf, keyTypeId, valueTypeId };
}

/** Types whose entries can be read one by one and written to another map, by what they have in common. */
const families: readonly {
  readonly perCpu: boolean;
  readonly array: boolean;
  readonly types: readonly number[];
}[] = [
  { perCpu: false, array: false, types: [MapType.hash, MapType.lru_hash] },
  { perCpu: true, array: false, types: [MapType.percpu_hash, MapType.lru_percpu_hash] },
  { perCpu: false, array: true, types: [MapType.array] },
  { perCpu: true, array: true, types: [MapType.percpu_array] },
  { perCpu: false, array: false, types: [MapType.lpm_trie] },
];

/** A type's family; undefined for maps of maps, programs, sockets, events and what else has no plain entries. */
export function familyOf(type: number): (typeof families)[number] | undefined {
  return families.find(({ types }) => types.includes(type));
}

/** Bytes that one value takes in a system call: those of each CPU are rounded up to 8. */
export function valueStride({ type, valueSize }: Pick<MapShape, 'type' | 'valueSize'>): number {
  return familyOf(type)?.perCpu === true ? Math.ceil(valueSize / 8) * 8 : valueSize;
}
