import { Btf, BtfBuilder, BtfKind, Linkage } from '../btf';
import { ProgramType } from '../object';
import { contextTypes } from './context-types';

/** Declaration tag of a parameter that is the program's context: `__arg_ctx` of libbpf's bpf_helpers.h. */
const TAG = 'arg:ctx';

/** Words of `struct bpf_func_info`: where a function begins, and its BTF id. */
const FUNC_INFO = 8;

/** Types and function info of a program, as the kernel is given them. */
export interface ProgramTypes {
  /** A `.BTF` section, little endian. */
  readonly btf: Uint8Array;
  readonly funcInfo: Uint8Array;
}

/**
 * Says in the types of global functions which parameter is the context, for kernels that do not read `__arg_ctx`
 * (Linux before 6.8, 94e1c70a3452). These know a context by the name of its struct, which depends on the program: so
 * each such function gets a prototype of its own, as with libbpf. Ids that were there stay.
 *
 * @param type `enum bpf_prog_type`
 * @returns undefined if there is nothing to say
 */
export function withContextArguments(
  { btf: bytes, funcInfo }: ProgramTypes,
  type: number,
): ProgramTypes | undefined {
  const context = contextTypes.get(type);
  if (context === undefined || funcInfo.length === 0) return undefined;
  const btf = Btf.parse(bytes, { trusted: true });
  const tagged = taggedParameters(btf, type, context);
  if (tagged.size === 0) return undefined;

  const changed = new Uint8Array(funcInfo);
  const view = new DataView(changed.buffer);
  const builder = BtfBuilder.from(btf);
  let pointer: number | undefined;
  for (let at = 0; at < changed.length; at += FUNC_INFO) {
    const fn = view.getUint32(at + 4, true);
    const parameters = tagged.get(fn);
    if (parameters === undefined) continue;
    pointer ??= builder.pointer(builder.struct(context, 0, []));
    const prototype = prototypeWith(btf, builder, btf.type(fn), parameters, pointer);
    const copy = builder.func(btf.name(fn), prototype, Linkage.GLOBAL);
    for (const parameter of parameters) builder.declTag(TAG, copy, parameter);
    view.setUint32(at + 4, copy, true);
  }
  return pointer === undefined ? undefined : { btf: builder.build(), funcInfo: changed };
}

/** By the id of a global function: its parameters that are tagged and have another type than the context's. */
function taggedParameters(btf: Btf, type: number, context: string): Map<number, number[]> {
  const found = new Map<number, number[]>();
  for (let id = btf.firstId; id < btf.endId; id++) {
    if (btf.kind(id) !== BtfKind.DECL_TAG || btf.name(id) !== TAG) continue;
    const fn = btf.type(id);
    if (btf.kind(fn) !== BtfKind.FUNC || btf.linkage(fn) !== Linkage.GLOBAL) continue;
    const prototype = btf.type(fn);
    const index = btf.declTagIndex(id);
    if (index < 0 || index >= btf.vlen(prototype)) continue;
    if (!standsForContext(btf, btf.paramType(prototype, index), type, context)) continue;
    found.set(fn, [...(found.get(fn) ?? []), index]);
  }
  return found;
}

/** Whether a parameter of this type may be said to be the context: one of another struct is a mistake in the source. */
function standsForContext(btf: Btf, parameter: number, type: number, context: string): boolean {
  const pointer = btf.resolve(parameter);
  if (btf.kind(pointer) !== BtfKind.PTR) return false;
  const named = btf.skipModifiers(btf.type(pointer));
  if (btf.kind(named) === BtfKind.TYPEDEF && btf.name(named) === contextTypes.get(ProgramType.kprobe)) {
    if (type === ProgramType.kprobe || type === ProgramType.perf_event) return false;
  }
  const pointee = btf.resolve(named);
  if (pointee === 0) return true;
  const struct = btf.kind(pointee) === BtfKind.STRUCT ? btf.name(pointee) : undefined;
  if (struct === context) return false;
  return standIns(type, struct, btf.kind(pointee) === BtfKind.INT ? btf.size(pointee) : 0);
}

/** What else programs of a type take their context for: registers under the names that architectures give them, words. */
function standIns(type: number, struct: string | undefined, integer: number): boolean {
  switch (type) {
    case ProgramType.kprobe:
      return struct === 'pt_regs';
    case ProgramType.perf_event:
      return struct !== undefined && ['pt_regs', 'user_pt_regs', 'user_regs_struct'].includes(struct);
    case ProgramType.raw_tracepoint:
    case ProgramType.raw_tracepoint_writable:
      return integer === 8;
    default:
      return false;
  }
}

function prototypeWith(
  btf: Btf,
  builder: BtfBuilder,
  prototype: number,
  parameters: readonly number[],
  pointer: number,
): number {
  const all = Array.from({ length: btf.vlen(prototype) }, (_, i) => ({
    name: btf.paramName(prototype, i),
    type: parameters.includes(i) ? pointer : btf.paramType(prototype, i),
  }));
  return builder.funcProto(btf.type(prototype), all);
}
