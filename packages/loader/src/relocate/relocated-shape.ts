import { type MapSlot, type MapSpec, type StructOpsSpec, type VariableSpec } from '../object';
import {
  type AttachTarget,
  type Binding,
  type PoisonedRelocation,
  type RelocatedObject,
  type RelocatedProgram,
} from './relocated';
import {
  absent,
  blob,
  flag,
  list,
  oneOf,
  optional,
  record,
  type Shape,
  tagged,
  text,
  u32,
  u64,
} from './shape';

const slot: Shape<MapSlot> = (value, at, blobs) => {
  const { index, map, function: fn } = anySlot(value, at, blobs);
  return map === undefined ? { index, function: u32(fn, `${at}.function`, blobs) } : { index, map };
};

const anySlot = record<{ index: number; map: string | undefined; function: number | undefined }>({
  index: u32,
  map: optional(text),
  function: optional(u32),
});

const attach = record<AttachTarget>({ typeId: u32, module: optional(text) });

const structOps = record<StructOpsSpec>({ typeId: u32, autocreate: flag, kernelType: optional(attach) });

function mapShape(inner: Shape<MapSpec | undefined>): Shape<MapSpec> {
  return record<MapSpec>({
    name: text,
    kernelName: text,
    origin: oneOf('btf', 'legacy', 'data', 'kconfig', 'struct_ops', 'arena'),
    section: text,
    type: u32,
    keySize: u32,
    valueSize: u32,
    maxEntries: u32,
    flags: u32,
    numaNode: optional(u32),
    mapExtra: u64,
    pinByName: flag,
    keyTypeId: u32,
    valueTypeId: u32,
    inner,
    slots: list(slot),
    data: optional(blob),
    frozen: flag,
    structOps: optional(structOps),
  });
}

const variable = record<VariableSpec>({
  name: text,
  map: text,
  offset: u32,
  size: u32,
  typeId: u32,
  binding: oneOf('local', 'global', 'weak'),
  hidden: flag,
});

const mapBinding = record<Extract<Binding, { kind: 'map' }>>({ kind: oneOf('map'), insn: u32, map: text });
const dataBinding = record<Extract<Binding, { kind: 'data' }>>({ kind: oneOf('data'), insn: u32, map: text });
const ksymBinding = record<Extract<Binding, { kind: 'ksym' }>>({
  kind: oneOf('ksym'),
  insn: u32,
  symbol: text,
  weak: flag,
});
const moduleKsymBinding = record<Extract<Binding, { kind: 'module-ksym' }>>({
  kind: oneOf('module-ksym'),
  insn: u32,
  module: text,
});
const moduleKfuncBinding = record<Extract<Binding, { kind: 'module-kfunc' }>>({
  kind: oneOf('module-kfunc'),
  insn: u32,
  module: text,
});

const jumpTableBinding = record<Extract<Binding, { kind: 'jump-table' }>>({
  kind: oneOf('jump-table'),
  insn: u32,
  targets: list(u32),
});

const binding = tagged<Binding>('kind', {
  map: mapBinding,
  data: dataBinding,
  ksym: ksymBinding,
  'jump-table': jumpTableBinding,
  'module-ksym': moduleKsymBinding,
  'module-kfunc': moduleKfuncBinding,
});

const poisoned = record<PoisonedRelocation>({
  insn: u32,
  kind: text,
  target: text,
  access: text,
  reason: text,
  file: optional(text),
  line: optional(u32),
});

const program = record<RelocatedProgram>({
  name: text,
  function: u32,
  section: text,
  autoload: flag,
  type: optional(u32),
  attachType: u32,
  attachTypeOptional: flag,
  flags: u32,
  target: optional(text),
  attach: optional(attach),
  instructions: blob,
  bindings: list(binding),
  funcInfo: blob,
  lineInfo: blob,
  poisoned: list(poisoned),
});

/** The fields of a stored relocation result, and of what types they are. */
export const relocatedShape = record<RelocatedObject>({
  name: text,
  littleEndian: flag,
  license: text,
  kernelVersion: u32,
  btf: optional(blob),
  // Maps in maps are one level deep.
  maps: list(mapShape(optional(mapShape(absent)))),
  programs: list(program),
  variables: list(variable),
});
