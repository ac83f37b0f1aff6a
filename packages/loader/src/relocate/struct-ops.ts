import { type Btf, BtfKind, essentialName } from '../btf';
import { BpfError } from '../errors';
import { type MapSlot, type MapSpec, type ObjectSpec } from '../object';
import { type AttachTarget } from './relocated';
import { type KernelTypes, moduleTypes, type TargetKernel } from './target';

/** What the kernel calls the value of a struct_ops map: this and the name of the struct. */
const VALUE_PREFIX = 'bpf_struct_ops_';
/** Bytes of a value; those of Linux 6.18 have up to some hundreds. */
const MOST_VALUE = 1 << 16;

/** Where a program belongs: `attach_btf_id` is the kernel's struct, `expected_attach_type` the index of its member. */
export interface StructOpsMember {
  readonly attach: AttachTarget;
  readonly attachType: number;
}

export interface ResolvedStructOps {
  /** The maps as the kernel wants them, in the order of the object. */
  readonly maps: readonly MapSpec[];
  /** By index of the function. */
  readonly members: ReadonlyMap<number, StructOpsMember>;
}

/**
 * Lays struct_ops variables out as the kernel's struct has it: members are found by name, whatever their order there,
 * and flavours of the struct's name (`tcp_congestion_ops___new`) are dropped. A member that the kernel does not have
 * must be zero.
 *
 * @param maps those of `spec` that are wanted
 * @throws BpfError MAP_INVALID for a struct or member that the kernel does not have, or has otherwise
 */
export function resolveStructOps(
  spec: ObjectSpec,
  maps: readonly MapSpec[],
  target: TargetKernel,
): ResolvedStructOps {
  const members = new Map<number, StructOpsMember>();
  return { maps: maps.map((map) => new Variable(spec, map, members).resolve(target)), members };
}

/** The struct that the kernel has for a variable, and its place in the value of the map. */
interface KernelStruct extends KernelTypes {
  readonly valueType: number;
  readonly struct: number;
  /** Bytes. */
  readonly offset: number;
}

class Variable {
  private readonly local: Btf;
  private readonly struct: number;
  private readonly structName: string;

  constructor(
    private readonly spec: ObjectSpec,
    private readonly map: MapSpec,
    private readonly members: Map<number, StructOpsMember>,
  ) {
    this.local = spec.btf!;
    this.struct = map.structOps!.typeId;
    this.structName = essentialName(this.local.name(this.struct));
  }

  resolve(target: TargetKernel): MapSpec {
    const { map } = this;
    const kernel = this.find(target);
    const size = kernel.btf.size(kernel.valueType);
    if (size > MOST_VALUE) {
      throw this.error(
        `a struct ${VALUE_PREFIX}${this.structName} of ${size} bytes in the kernel's types`,
        undefined,
        {
          expected: `at most ${MOST_VALUE}`,
        },
      );
    }
    const data = new Uint8Array(size);
    const places = this.place(kernel, data);
    const slots = map.slots.flatMap((slot): MapSlot[] => {
      const place = places.get(slot.index);
      return place === undefined || !('function' in slot) ? [] : [{ index: place, function: slot.function }];
    });
    return {
      ...map,
      valueSize: data.length,
      data,
      slots: slots.sort((a, b) => a.index - b.index),
      structOps: { ...map.structOps!, kernelType: { typeId: kernel.valueType, module: kernel.module } },
    };
  }

  private find(target: TargetKernel): KernelStruct {
    for (const types of kernelTypes(target)) {
      const { btf } = types;
      const valueType = btf.find(VALUE_PREFIX + this.structName, BtfKind.STRUCT);
      if (valueType < btf.firstId) continue;
      for (let i = 0; i < btf.vlen(valueType); i++) {
        const struct = btf.resolve(btf.memberType(valueType, i));
        if (btf.kind(struct) !== BtfKind.STRUCT || btf.name(struct) !== this.structName) continue;
        return { ...types, valueType, struct, offset: btf.memberBitOffset(valueType, i) / 8 };
      }
    }
    throw this.error(`struct ${this.structName}, which is no struct_ops of this kernel`, undefined, {
      expected: `a struct ${VALUE_PREFIX}${this.structName} in the types of vmlinux or of a loaded module`,
      hint: 'load the module that has it, or use a kernel that is built with it',
    });
  }

  /** Copies the members; returns where those that hold programs went, by their offset in the object's struct. */
  private place(kernel: KernelStruct, data: Uint8Array): Map<number, number> {
    const { local, struct, map } = this;
    const programs = new Map(
      map.slots.flatMap((slot) => ('function' in slot ? [[slot.index, slot.function] as const] : [])),
    );
    const kernelMembers = memberIndex(kernel);
    const places = new Map<number, number>();
    for (let i = 0; i < local.vlen(struct); i++) {
      const name = local.memberName(struct, i);
      const from = Math.floor(local.memberBitOffset(struct, i) / 8);
      const program = programs.get(from);
      const index = kernelMembers.get(name);
      if (index === undefined) {
        const bytes = map.data!.subarray(from, from + local.byteSize(local.memberType(struct, i)));
        if (program === undefined && bytes.every((byte) => byte === 0)) continue;
        throw this.error(`a value in member '${name}'`, name, {
          expected: `it to be zero: this kernel's struct ${this.structName} has no such member`,
          hint: 'leave the member out, or set it only on kernels that have it',
        });
      }
      const to = kernel.offset + Math.floor(kernel.btf.memberBitOffset(kernel.struct, index) / 8);
      const size = this.compatible(kernel, i, index);
      if (program !== undefined) {
        this.claim(program, name, kernel, index);
        places.set(from, to);
      } else if (!this.isPointer(i)) {
        data.set(map.data!.subarray(from, from + size), to);
      }
    }
    return places;
  }

  /** Bytes of a member that both sides have; an error if they have it differently. */
  private compatible({ btf, struct }: KernelStruct, i: number, index: number): number {
    const { local } = this;
    const name = local.memberName(this.struct, i);
    if (local.memberBitfieldSize(this.struct, i) > 0 || btf.memberBitfieldSize(struct, index) > 0)
      throw this.error(`member '${name}', which is a bitfield`, name, {
        expected: 'none: bitfields of struct_ops cannot be set',
      });
    const mine = local.resolve(local.memberType(this.struct, i));
    const theirs = btf.resolve(btf.memberType(struct, index));
    const size = local.byteSize(mine);
    if (local.kind(mine) === btf.kind(theirs) && size === btf.byteSize(theirs)) return size;
    throw this.error(`member '${name}' as '${local.describe(mine)}' (${size} bytes)`, name, {
      expected: `'${btf.describe(theirs)}' (${btf.byteSize(theirs)} bytes), as this kernel has it`,
      hint: "take the struct from this kernel's vmlinux.h",
    });
  }

  private isPointer(i: number): boolean {
    const { local, struct } = this;
    return local.kind(local.resolve(local.memberType(struct, i))) === BtfKind.PTR;
  }

  /** A program is verified for one member of one struct; several variables may use it there. */
  private claim(program: number, member: string, kernel: KernelStruct, index: number): void {
    const { btf, struct, module } = kernel;
    const pointer = btf.resolve(btf.memberType(struct, index));
    if (btf.kind(btf.resolve(btf.type(pointer))) !== BtfKind.FUNC_PROTO)
      throw this.error(`a program in member '${member}'`, member, {
        expected: `'${btf.describe(pointer)}', as this kernel has it`,
      });
    const before = this.members.get(program);
    if (
      before !== undefined &&
      (before.attach.typeId !== struct || before.attach.module !== module || before.attachType !== index)
    ) {
      const { name } = this.spec.functions[program]!;
      throw this.error(`program '${name}' in member '${member}' and in another one`, member, {
        expected: 'a program to be in one member of one struct',
        hint: 'define a program for each member',
      });
    }
    this.members.set(program, { attach: { typeId: struct, module }, attachType: index });
  }

  private error(
    found: string,
    symbol: string | undefined,
    more: { expected: string; hint?: string },
  ): BpfError {
    const { spec, map } = this;
    return new BpfError('MAP_INVALID', `${spec.name}: struct_ops '${map.name}'`, {
      object: spec.name,
      section: map.section,
      map: map.name,
      symbol: symbol ?? this.structName,
      found,
      ...more,
    });
  }
}

function* kernelTypes(target: TargetKernel): Generator<KernelTypes> {
  yield { btf: target.btf(), module: undefined };
  yield* moduleTypes(target);
}

/** Index of each member of the kernel's struct by its name. */
function memberIndex({ btf, struct }: KernelStruct): ReadonlyMap<string, number> {
  return new Map(Array.from({ length: btf.vlen(struct) }, (_, i) => [btf.memberName(struct, i), i] as const));
}
