import { BtfKind } from '../btf';
import { type ElfSection, SHT_NOBITS } from '../elf';
import { dataMapName } from './kernel-name';
import { MapType } from './map-types';
import { objectError, type ObjectSource, sectionsOf } from './source';
import { type MapSpec } from './spec';

/** `BPF_F_RDONLY_PROG` and `BPF_F_MMAPABLE` of uapi/linux/bpf.h. */
const BPF_F_RDONLY_PROG = 1 << 7;
const BPF_F_MMAPABLE = 1 << 10;

/** The kernel counts the size of a map's value with 31 bits. */
const MAX_SIZE = 0x7fffffff;

/** The maps of `.data*`, `.rodata*` and `.bss*`, one for each section that is not empty, in the order of the file. */
export function dataMaps(source: ObjectSource): MapSpec[] {
  return sectionsOf(source, 'data', 'rodata', 'bss').map((section) => dataMap(source, section));
}

/** The map of the externs in `.kconfig`; none when there are none. */
export function kconfigMap(source: ObjectSource, size: number): MapSpec[] {
  if (size === 0) return [];
  return [
    singleValue(source, { name: '.kconfig', size, origin: 'kconfig', readOnly: true, data: undefined }),
  ];
}

function dataMap(source: ObjectSource, section: ElfSection): MapSpec {
  const { name, size, index } = section;
  if (size > MAX_SIZE)
    throw objectError(source, 'MAP_INVALID', `section '${name}' is too big for a map`, {
      section: name,
      map: name,
      found: `${size} bytes`,
      expected: `at most ${MAX_SIZE}`,
    });
  const readOnly = source.roles[index] === 'rodata';
  const zero = section.type === SHT_NOBITS || section.data.every((byte) => byte === 0);
  return singleValue(source, { name, size, origin: 'data', readOnly, data: zero ? undefined : section.data });
}

interface SingleValue {
  readonly name: string;
  readonly size: number;
  readonly origin: 'data' | 'kconfig';
  readonly readOnly: boolean;
  readonly data: Uint8Array | undefined;
}

function singleValue(source: ObjectSource, value: SingleValue): MapSpec {
  const { name, size, origin, readOnly, data } = value;
  const typeId = source.btf?.find(name, BtfKind.DATASEC) ?? 0;
  return {
    name,
    kernelName: dataMapName(source.name, name),
    origin,
    section: name,
    type: MapType.array,
    keySize: 4,
    valueSize: size,
    maxEntries: 1,
    // libbpf before 1.1 always asks for a map that can be mapped into memory, as we do; since then it leaves that out
    // for sections of static and hidden variables alone. The kernel takes both, and refuses only the mapping where
    // a variable is an object of its own (a lock, a list head).
    flags: (readOnly ? BPF_F_RDONLY_PROG : 0) | BPF_F_MMAPABLE,
    numaNode: undefined,
    mapExtra: 0n,
    pinByName: false,
    keyTypeId: 0,
    valueTypeId: typeId,
    inner: undefined,
    slots: [],
    data,
    frozen: readOnly,
  };
}
