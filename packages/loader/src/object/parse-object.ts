import { ElfFile } from '../elf';
import { decodeText } from '../bytes';
import { arenaOf } from './arena';
import { btfMaps } from './btf-maps';
import { dataMaps, kconfigMap } from './data-maps';
import { fixDatasecs } from './datasec';
import { layoutKconfig, readExterns } from './externs';
import { readFunctionTable } from './function-table';
import { readFunctions } from './functions';
import { legacyMaps } from './legacy-maps';
import { readPrograms } from './programs';
import { objectError, type ObjectSource, readSource, sectionsOf } from './source';
import { type MapSpec, type ObjectSpec } from './spec';
import { structOpsMaps } from './struct-ops';
import { readVariables } from './variables';

/**
 * Reads an object file, as `clang -target bpf -c` or a static linker of BPF objects writes it. Nothing is asked of a
 * kernel: the same bytes give the same value on every machine.
 *
 * @param bytes the whole file
 * @param options.name what the object is called: in messages, and in the kernel's names of its data sections
 *   (`objectName(path)` for a file)
 * @throws BpfError ELF_MALFORMED, ELF_NOT_BPF, BTF_MALFORMED, BTF_MISSING, MAP_INVALID, MAP_STATIC, PROGRAM_INVALID,
 *   RELOCATION_INVALID: nothing else, whatever the bytes are
 *
 * @example
 * ```ts
 * const spec = parseObject(readFileSync('edge.bpf.o'), { name: 'edge' });
 * spec.programs.map((program) => program.name); // ['edge_guard', 'exec_monitor']
 * spec.maps.map((map) => map.kernelName); // ['hits', 'events', 'samples', 'commands', 'edge.rodata', 'edge.bss']
 * ```
 */
export function parseObject(bytes: Uint8Array, options: { readonly name: string }): ObjectSpec {
  const { name } = options;
  const elf = ElfFile.parse(bytes, { object: name });
  const unfixed = readSource(elf, name);
  const kconfig = layoutKconfig(unfixed);
  const source: ObjectSource = { ...unfixed, btf: fixDatasecs(unfixed, kconfig) };
  const functions = readFunctionTable(source);
  const defined = [
    ...legacyMaps(source),
    ...btfMaps(source, functions),
    ...dataMaps(source),
    ...kconfigMap(source, kconfig.size),
    ...structOpsMaps(source, functions),
  ];
  const arena = arenaOf(source, defined);
  const maps = defined.map((map) => (map.name === arena?.name ? arena : map));
  const externs = readExterns(source, kconfig);
  const targets = {
    source,
    functions,
    maps: uniqueNames(source, maps),
    externs: externs.bySymbol,
    arena: arena?.name,
  };
  return {
    name,
    littleEndian: elf.littleEndian,
    license: readLicense(source),
    kernelVersion: readVersion(source),
    btf: source.btf,
    maps,
    programs: readPrograms(functions),
    functions: readFunctions(targets),
    variables: readVariables(source, arena?.name),
    externs: externs.specs,
  };
}

function uniqueNames(source: ObjectSource, maps: readonly MapSpec[]): Set<string> {
  const names = new Set<string>();
  for (const { name, section } of maps) {
    if (names.has(name))
      throw objectError(source, 'MAP_INVALID', `two maps have the name '${name}'`, { section, map: name });
    names.add(name);
  }
  return names;
}

function readLicense(source: ObjectSource): string {
  const data = sectionsOf(source, 'license')[0]?.data;
  if (data === undefined) return '';
  const end = data.indexOf(0);
  return decodeText(data, 0, end < 0 ? data.length : end);
}

function readVersion(source: ObjectSource): number {
  const [section] = sectionsOf(source, 'version');
  if (section === undefined) return 0;
  if (section.size !== 4)
    throw objectError(source, 'ELF_MALFORMED', "section 'version'", {
      section: 'version',
      found: `${section.size} bytes`,
      expected: 'the 4 of a __u32',
    });
  return source.elf.view(section).u32(0);
}
