import { toCanonical } from '../asm';
import { type Btf, BtfKind, FUNC_INFO_WORDS } from '../btf';
import { type ElfSection } from '../elf';
import { ExtRecords } from './ext-records';
import { type FunctionPlace } from './function-table';
import { readReferences, type ReferenceTargets, relocationsByFunction } from './references';
import { type ObjectSource } from './source';
import { type FunctionSpec } from './spec';

/**
 * The functions of an object with their instructions, what those refer to, and what the types say about them.
 *
 * @throws BpfError RELOCATION_INVALID, ELF_MALFORMED
 */
export function readFunctions(targets: ReferenceTargets): FunctionSpec[] {
  const { source, functions } = targets;
  const bySection = new Map<ElfSection, number[]>();
  functions.places.forEach(({ section }, index) => {
    const list = bySection.get(section) ?? [];
    bySection.set(section, list);
    list.push(index);
  });
  return [...bySection].flatMap(([section, indices]) => {
    const relocations = relocationsByFunction(targets, section, indices);
    const records = sectionRecords(source, section);
    return indices.map((index) => {
      const place = functions.places[index]!;
      const code = section.data.subarray(place.offset, place.offset + place.size);
      const instructions = toCanonical(code, source.elf.littleEndian);
      return {
        name: place.name,
        section: section.name,
        offset: place.offset,
        instructions,
        binding: place.binding,
        hidden: place.hidden,
        references: readReferences(targets, place, instructions, relocations.get(index) ?? []),
        typeId: records.typeIds.get(place.offset) ?? typeByName(source.btf, place),
        lineInfo: records.lines.within(place.offset, place.size),
        coreRelocations: records.core.within(place.offset, place.size),
      };
    });
  });
}

/** What .BTF.ext says about one section. */
interface SectionRecords {
  /** FUNC ids by byte offset. */
  readonly typeIds: ReadonlyMap<number, number>;
  readonly lines: ExtRecords;
  readonly core: ExtRecords;
}

const nothing: SectionRecords = {
  typeIds: new Map(),
  lines: new ExtRecords(new Uint32Array()),
  core: new ExtRecords(new Uint32Array()),
};

/** The records go by the name of a section, so they are the first one's that has it. */
function sectionRecords({ elf, ext }: ObjectSource, section: ElfSection): SectionRecords {
  if (ext === undefined || elf.section(section.name) !== section) return nothing;
  const info = ext.funcInfo(section.name);
  const typeIds = new Map<number, number>();
  for (let i = 0; i < info.length; i += FUNC_INFO_WORDS) typeIds.set(info[i]!, info[i + 1]!);
  return {
    typeIds,
    lines: new ExtRecords(ext.lineInfo(section.name)),
    core: new ExtRecords(ext.coreRelocations(section.name)),
  };
}

function typeByName(btf: Btf | undefined, { name, binding }: FunctionPlace): number {
  return btf === undefined || binding === 'local' ? 0 : btf.find(name, BtfKind.FUNC);
}
