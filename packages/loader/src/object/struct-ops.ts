import { type Btf, BtfKind, essentialName } from '../btf';
import { type ElfSection } from '../elf';
import { type BpfError } from '../errors';
import { type FunctionTable } from './function-table';
import { kernelName } from './kernel-name';
import { MapType } from './map-types';
import { ProgramType } from './program-types';
import { sectionMeaning, withoutMark } from './section-name';
import { objectError, type ObjectSource, sectionsOf } from './source';
import { type MapSlot, type MapSpec } from './spec';

/** `BPF_F_LINK` of uapi/linux/bpf.h: the map is registered through a link. */
const BPF_F_LINK = 1 << 13;

/** A variable in one of the struct_ops sections. */
interface Variable {
  readonly name: string;
  readonly section: ElfSection;
  /** Bytes into the section, and of the struct. */
  readonly offset: number;
  readonly size: number;
  /** BTF id of the struct. */
  readonly typeId: number;
}

/**
 * The maps of `.struct_ops` and `.struct_ops.link`, also with a leading `?`: one for each variable, whose members
 * hold programs and numbers. What the kernel's struct looks like is found out by relocation.
 *
 * @param functions to tell which program a member points to
 * @throws BpfError BTF_MISSING without types, MAP_INVALID for a variable that is no struct or points to no program
 */
export function structOpsMaps(source: ObjectSource, functions: FunctionTable): MapSpec[] {
  return sectionsOf(source, 'struct_ops').flatMap((section) => {
    const variables = readVariables(source, section);
    const slots = readSlots(source, section, variables, functions);
    return variables.map((variable) => toSpec(variable, slots.get(variable) ?? []));
  });
}

/**
 * The kernel's struct that a struct_ops map implements.
 *
 * @param btf of its object
 *
 * @example
 * ```ts
 * const spec = parseObject(readFileSync('congestion.bpf.o'), { name: 'congestion' });
 * structOpsStruct(spec.maps.find(({ name }) => name === 'first')!, spec.btf!); // 'tcp_congestion_ops'
 * ```
 */
export function structOpsStruct({ structOps }: MapSpec, btf: Btf): string {
  return structOps === undefined ? '' : essentialName(btf.name(structOps.typeId));
}

function toSpec({ name, section, offset, size, typeId }: Variable, slots: MapSlot[]): MapSpec {
  return {
    name,
    kernelName: kernelName(name),
    origin: 'struct_ops',
    section: section.name,
    type: MapType.struct_ops,
    keySize: 4,
    valueSize: size,
    maxEntries: 1,
    flags: section.name.endsWith('.link') ? BPF_F_LINK : 0,
    numaNode: undefined,
    mapExtra: 0n,
    pinByName: false,
    keyTypeId: 0,
    valueTypeId: 0,
    inner: undefined,
    slots: slots.sort((a, b) => a.index - b.index),
    data: section.data.subarray(offset, offset + size),
    frozen: false,
    structOps: { typeId, autocreate: withoutMark(section.name) === section.name, kernelType: undefined },
  };
}

/** In the order of their offset. */
function readVariables(source: ObjectSource, section: ElfSection): Variable[] {
  const { btf } = source;
  const datasec = btf?.find(section.name, BtfKind.DATASEC) ?? 0;
  if (btf === undefined || datasec === 0)
    throw objectError(source, 'BTF_MISSING', `section '${section.name}' has no types`, {
      section: section.name,
      hint: 'compile with -g',
    });
  const variables = Array.from({ length: btf.vlen(datasec) }, (_, i) => {
    const id = btf.secVarType(datasec, i);
    const offset = btf.secVarOffset(datasec, i);
    const typeId = btf.kind(id) === BtfKind.VAR ? btf.resolve(btf.type(id)) : 0;
    const size = btf.kind(typeId) === BtfKind.STRUCT ? btf.size(typeId) : 0;
    const name = btf.name(id);
    if (btf.name(typeId) === '' || size === 0 || offset + size > section.size)
      throw objectError(source, 'MAP_INVALID', `variable '${name}' in section '${section.name}'`, {
        section: section.name,
        map: name,
        found: `'${btf.describe(btf.kind(id) === BtfKind.VAR ? btf.type(id) : id)}' at byte ${offset} of ${section.size}`,
        expected: 'a struct with a name, such as struct tcp_congestion_ops',
      });
    return { name, section, offset, size, typeId };
  });
  return variables.sort((a, b) => a.offset - b.offset);
}

/** The programs in each variable's members: the relocations of the section. */
function readSlots(
  source: ObjectSource,
  section: ElfSection,
  variables: readonly Variable[],
  functions: FunctionTable,
): Map<Variable, MapSlot[]> {
  const { symbols } = source.elf;
  const relocations = source.elf.relocations(section);
  const view = source.elf.view(section);
  const members = new Map<number, ReadonlyMap<number, string>>();
  const slots = new Map<Variable, MapSlot[]>();
  for (let i = 0; i < relocations.count; i++) {
    const at = relocations.offset(i);
    const symbol = relocations.symbol(i);
    const variable = variableAt(variables, at);
    const member = variable && membersOf(variable.typeId).get(at - variable.offset);
    if (variable === undefined || member === undefined)
      throw wrongPointer(
        source,
        section,
        at,
        symbols.name(symbol),
        'it in a member that is a function pointer',
      );
    const value = symbols.value(symbol) + Number(relocations.addend(i)) + Number(view.u64(at));
    const index = functions.startingAt(symbols.section(symbol), value);
    if (index === undefined || !isStructOpsProgram(functions, index))
      throw wrongPointer(
        source,
        section,
        at,
        symbols.name(symbol),
        `for member '${member}' of '${variable.name}' a function with SEC("struct_ops")`,
      );
    const list = slots.get(variable) ?? [];
    slots.set(variable, list);
    list.push({ index: at - variable.offset, function: index });
  }
  return slots;

  function membersOf(struct: number): ReadonlyMap<number, string> {
    const known = members.get(struct) ?? functionMembers(source.btf!, struct);
    members.set(struct, known);
    return known;
  }
}

/** The last variable that begins at or before an offset, if it reaches that far. */
function variableAt(variables: readonly Variable[], offset: number): Variable | undefined {
  let low = 0;
  let high = variables.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (variables[middle]!.offset <= offset) low = middle + 1;
    else high = middle;
  }
  const found = variables[low - 1];
  return found !== undefined && offset < found.offset + found.size ? found : undefined;
}

/** Names of a struct's members that are pointers to functions, by offset in bytes. */
function functionMembers(btf: Btf, struct: number): ReadonlyMap<number, string> {
  const members = new Map<number, string>();
  for (let i = 0; i < btf.vlen(struct); i++) {
    const pointer = btf.resolve(btf.memberType(struct, i));
    if (btf.kind(pointer) !== BtfKind.PTR) continue;
    if (btf.kind(btf.resolve(btf.type(pointer))) !== BtfKind.FUNC_PROTO) continue;
    members.set(btf.memberBitOffset(struct, i) / 8, btf.memberName(struct, i));
  }
  return members;
}

function isStructOpsProgram({ places }: FunctionTable, index: number): boolean {
  const { entry, section } = places[index]!;
  return entry && sectionMeaning(withoutMark(section.name)).type === ProgramType.struct_ops;
}

function wrongPointer(
  source: ObjectSource,
  section: ElfSection,
  offset: number,
  symbol: string,
  expected: string,
): BpfError {
  return objectError(source, 'MAP_INVALID', `section '${section.name}', byte ${offset}`, {
    section: section.name,
    offset,
    symbol,
    found: `a pointer to '${symbol}'`,
    expected,
  });
}
