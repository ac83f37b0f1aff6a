import { BpfError, nearest } from '../errors';
import { type MapSpec, type ObjectSpec, type ProgramSpec } from '../object';
import { assemble, type RelocatedParts } from './assemble';
import { findAttachTarget } from './attach-target';
import { CoreResolver, relocateFunction, type RelocatedFunction } from './core';
import { exceptionCallbacks } from './exception-callbacks';
import { resolveExterns } from './externs';
import { type Layout, layoutProgram } from './link';
import { type RelocatedObject, type RelocatedProgram } from './relocated';
import { type TargetKernel } from './target';

/** What to relocate of an object. */
export interface RelocateOptions {
  /** Names of the programs that are wanted; without it, those that are loaded by default (not `SEC("?...")`). */
  readonly programs?: readonly string[] | undefined;
}

/**
 * Relocates an object against a kernel's types: CO-RE, subprograms linked behind their callers, externs and attach
 * targets found. Only the wanted programs, and what they reach, are touched and can fail; they alone are in the
 * result, in the object's order.
 *
 * @throws BpfError PROGRAM_NOT_FOUND, PROGRAM_INVALID, BTF_MISSING, CORE_INVALID, CORE_AMBIGUOUS, EXTERN_UNRESOLVED,
 * RELOCATION_INVALID or ATTACH_TARGET_NOT_FOUND; what the target throws passes through
 *
 * @example
 * ```ts
 * const relocated = relocateObject(parseObject(bytes, { name: 'edge' }), { btf: () => kernelBtf });
 * relocated.programs[0].bindings; // [{ kind: 'map', insn: 4, map: 'blocklist' }]
 * ```
 */
export function relocateObject(
  spec: ObjectSpec,
  target: TargetKernel,
  options: RelocateOptions = {},
): RelocatedObject {
  const programs = selectPrograms(spec, options.programs);
  const callbacks = exceptionCallbacks(spec);
  const layouts = new Map<ProgramSpec, Layout>();
  for (const program of programs) {
    layouts.set(program, layoutProgram(spec, program.function, callbacks.get(program.function)));
  }
  const reached = [...new Set([...layouts.values()].flatMap((layout) => [...layout.keys()]))];
  reached.sort((a, b) => a - b);
  const { externs, kconfig } = resolveExterns(spec, reached, target);
  const parts: RelocatedParts = {
    functions: relocateFunctions(spec, reached, target),
    externs,
    kconfigMap: spec.maps.find(({ origin }) => origin === 'kconfig')?.name,
  };
  return {
    name: spec.name,
    license: spec.license,
    kernelVersion: spec.kernelVersion,
    btf: spec.btf?.bytes,
    maps: spec.maps.map((map) => withKconfig(map, kconfig)),
    programs: programs.map((program) => relocateProgram(spec, program, layouts.get(program)!, parts, target)),
    variables: spec.variables,
  };
}

/** The wanted programs, in the object's order. */
function selectPrograms(spec: ObjectSpec, names: readonly string[] | undefined): readonly ProgramSpec[] {
  if (names === undefined) return spec.programs.filter(({ autoload }) => autoload);
  const known = spec.programs.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return spec.programs.filter(({ name }) => names.includes(name));
  const near = nearest(unknown, known);
  throw new BpfError('PROGRAM_NOT_FOUND', `${spec.name}: no program '${unknown}'`, {
    object: spec.name,
    program: unknown,
    expected: known.length === 0 ? 'nothing: the object has no programs' : `one of ${known.join(', ')}`,
    hint: near.length > 0 ? `did you mean ${near.join(', ')}?` : undefined,
  });
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
  program: ProgramSpec,
  layout: Layout,
  parts: RelocatedParts,
  target: TargetKernel,
): RelocatedProgram {
  const { name, section, autoload, type, attachType, attachTypeOptional, flags } = program;
  return {
    name,
    function: program.function,
    section,
    autoload,
    type,
    attachType,
    attachTypeOptional,
    flags,
    target: program.target,
    attach: findAttachTarget(spec.name, program, target),
    ...assemble(spec, layout, parts),
  };
}
