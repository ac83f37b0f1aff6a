import { type Btf, BtfKind, Linkage } from '../btf';
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
  const mmapable = typeId !== 0 && hasVisibleVariable(source, source.btf!, typeId);
  return {
    name,
    kernelName: dataMapName(source.name, name),
    origin,
    section: name,
    type: MapType.array,
    keySize: 4,
    valueSize: size,
    maxEntries: 1,
    flags: (readOnly ? BPF_F_RDONLY_PROG : 0) | (mmapable ? BPF_F_MMAPABLE : 0),
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

/**
 * Whether user space is meant to see a variable of a section: one that is neither static nor hidden. As libbpf since
 * 1.1, we ask for a map that can be mapped into memory only then: such a map is rounded up to whole pages, and the
 * kernel refuses it where a variable is an object of its own (a lock, a list head). bpftool of Linux 6.1 asks always.
 */
function hasVisibleVariable(source: ObjectSource, btf: Btf, datasec: number): boolean {
  const section = source.elf.section(btf.name(datasec));
  const symbols = (section && source.symbols.defined.get(section.index)) ?? [];
  const hidden = new Set(symbols.filter((symbol) => symbol.hidden).map((symbol) => symbol.name));
  for (let i = 0; i < btf.vlen(datasec); i++) {
    const variable = btf.secVarType(datasec, i);
    if (btf.kind(variable) !== BtfKind.VAR || btf.linkage(variable) === Linkage.STATIC) continue;
    if (!hidden.has(btf.name(variable))) return true;
  }
  return false;
}
