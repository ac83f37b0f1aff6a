import { type Btf } from '../btf';
import { BpfError } from '../errors';
import { type MapSpec, type ObjectSpec, type ProgramSpec, ProgramType } from '../object';
import { assemble, type RelocatedParts } from './assemble';
import { findAttachTarget } from './attach-target';
import { CoreResolver, relocateFunction, type RelocatedFunction } from './core';
import { ExceptionCallbacks } from './exception-callbacks';
import { resolveExterns } from './externs';
import { btfForKernel } from './kernel-types';
import { layoutProgram } from './link';
import { type RelocatedObject, type RelocatedProgram } from './relocated';
import { selectPrograms, type SelectedProgram } from './select-programs';
import { selectStructOps } from './select-struct-ops';
import { resolveStructOps, type StructOpsMember } from './struct-ops';
import { type TargetKernel } from './target';

/** What to relocate of an object. */
export interface RelocateOptions {
  /**
   * Names of the programs that are wanted, to which those in slots of their maps are added; that of a struct_ops
   * variable stands for its programs. Without it, those that are loaded by default (not `SEC("?...")`).
   */
  readonly programs?: readonly string[] | undefined;
  /** Names of programs that are for a function of another BPF program: the kernel's types do not have it. */
  readonly attachedToPrograms?: readonly string[] | undefined;
  /**
   * Types to resolve CO-RE against in place of the kernel's own: for a kernel without BTF, or one that is not here.
   * Attach targets and kernel functions are still those of the target.
   */
  readonly coreTypes?: Btf | undefined;
}

/**
 * Relocates an object against a kernel's types: CO-RE, subprograms linked behind their callers, externs and attach
 * targets found. Only the wanted programs, and what they reach, are touched and can fail; they alone are in the
 * result, in the object's order.
 *
 * @throws BpfError PROGRAM_NOT_FOUND, PROGRAM_INVALID, CORE_INVALID, CORE_AMBIGUOUS, EXTERN_UNRESOLVED,
 * RELOCATION_INVALID, MAP_INVALID or ATTACH_TARGET_NOT_FOUND; what the target throws passes through
 *
 * @example
 * ```ts
 * const relocated = relocateObject(parseObject(bytes, { name: 'edge' }), { btf: () => kernelBtf });
 * relocated.programs[0]!.bindings[0]; // { kind: 'map', map: 'hits', ... }
 * ```
 */
export function relocateObject(
  spec: ObjectSpec,
  target: TargetKernel,
  options: RelocateOptions = {},
): RelocatedObject {
  const callbacks = new ExceptionCallbacks(spec);
  const selected = selectPrograms(spec, options.programs, (program) =>
    layoutProgram(spec, program.function, callbacks.of(program.function)),
  );
  const reached = [...new Set(selected.flatMap(({ layout }) => [...layout.starts.keys()]))];
  reached.sort((a, b) => a - b);
  const { externs, kconfig } = resolveExterns(spec, reached, target);
  const parts: RelocatedParts = {
    functions: relocateFunctions(spec, reached, coreTarget(target, options.coreTypes)),
    externs,
    kconfigMap: spec.maps.find(({ origin }) => origin === 'kconfig')?.name,
  };
  const structOps = resolveStructOps(spec, selectStructOps(spec, options.programs), target);
  const inKernel = ({ program }: SelectedProgram) => !options.attachedToPrograms?.includes(program.name);
  return {
    name: spec.name,
    littleEndian: spec.littleEndian,
    license: spec.license,
    kernelVersion: spec.kernelVersion,
    btf: btfForKernel(spec),
    maps: [
      ...spec.maps.filter((map) => map.structOps === undefined).map((map) => withKconfig(map, kconfig)),
      ...structOps.maps,
    ],
    programs: selected.map((one) =>
      relocateProgram(
        spec,
        one,
        { ...parts, structOps: structOps.members },
        inKernel(one) ? target : undefined,
      ),
    ),
    variables: spec.variables,
  };
}

/** What CO-RE looks in: given types stand for the kernel with its modules. */
function coreTarget(target: TargetKernel, types: Btf | undefined): TargetKernel {
  return types === undefined ? target : { btf: () => types };
}

/** Each function once, however many programs it is linked into, in the order of the file. */
function relocateFunctions(
  spec: ObjectSpec,
  indices: readonly number[],
  target: TargetKernel,
): ReadonlyMap<number, RelocatedFunction> {
  const resolver = spec.btf === undefined ? undefined : new CoreResolver(spec.btf, target);
  return new Map(
    indices.map((index) => {
      const fn = spec.functions[index]!;
      if (spec.btf === undefined || resolver === undefined || fn.coreRelocations.length === 0) {
        return [index, { instructions: fn.instructions, poisoned: [] }];
      }
      return [index, relocateFunction(spec.name, spec.btf, fn, resolver)];
    }),
  );
}

function withKconfig(map: MapSpec, kconfig: Uint8Array | undefined): MapSpec {
  return map.origin === 'kconfig' && kconfig !== undefined ? { ...map, data: kconfig } : map;
}

function relocateProgram(
  spec: ObjectSpec,
  { program, layout }: SelectedProgram,
  parts: RelocatedParts & { readonly structOps: ReadonlyMap<number, StructOpsMember> },
  target: TargetKernel | undefined,
): RelocatedProgram {
  const { name, section, autoload, type, attachType, attachTypeOptional, flags } = program;
  const member = parts.structOps.get(program.function);
  if (type === ProgramType.struct_ops && member === undefined) throw unused(spec, program);
  return {
    name,
    function: program.function,
    section,
    autoload,
    type,
    attachType: member?.attachType ?? attachType,
    attachTypeOptional,
    flags,
    target: program.target,
    attach: member?.attach ?? (target && findAttachTarget(spec.name, program, target)),
    ...assemble(spec, layout, parts),
  };
}

function unused({ name: object }: ObjectSpec, { name, section }: ProgramSpec): BpfError {
  return new BpfError('PROGRAM_INVALID', `${object}: program '${name}'`, {
    object,
    program: name,
    section,
    found: `SEC("${section}"), but no member of a struct_ops variable that is loaded holds it`,
    hint: `put it into one: SEC(".struct_ops") struct tcp_congestion_ops ops = { .ssthresh = (void *)${name}, ... }`,
  });
}
