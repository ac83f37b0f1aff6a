import { BpfError } from '../errors';
import { Errno, Fd, features, hasFeature, programBindMap } from '../kernel';
import { AttachType, isUsdtSection, loadableType, type MapSpec } from '../object';
import { type RelocatedProgram } from '../relocate';
import { bindProgram, type KernelValues } from './bind';
import { type EarlyLoads } from './early-loads';
import { JumpTables } from './jump-tables';
import { kernelValues, type OpenKernelValues } from './kernel-values';
import { loadFailure } from './load-failure';
import { loadProgram, type LoadOutcome, type ProgramContext, type ReadyProgram } from './load-program';
import { type LoadedMap, type LoadedProgram, type LoadOptions } from './loaded';
import { attachWords, type AttachWords } from './program-target';
import { type Undo } from './undo';

/** A program, and the type it is to be loaded as. */
export interface TypedProgram {
  readonly spec: RelocatedProgram;
  readonly type: number;
  readonly attachType: number;
}

/**
 * The types of the wanted programs: the caller's choice, else what the section name says.
 *
 * @throws BpfError SECTION_UNKNOWN, PROGRAM_INVALID
 */
export function typedPrograms(
  programs: readonly RelocatedProgram[],
  choices: LoadOptions['types'],
): TypedProgram[] {
  return programs.map((spec) => {
    const choice =
      choices !== undefined && Object.hasOwn(choices, spec.name) ? choices[spec.name] : undefined;
    const type = loadableType({ ...spec, type: choice?.type ?? spec.type });
    return { spec, type, attachType: choice?.attachType ?? attachTypeOf(spec) };
  });
}

/** A USDT probe has many places: where the kernel has links of many uprobes, the program is loaded for them. */
function attachTypeOf({ section, attachType }: RelocatedProgram): number {
  const many = isUsdtSection(section) && hasFeature(features.uprobeMulti) === true;
  return many ? AttachType.trace_uprobe_multi : attachType;
}

/** What loading programs needs beside them. */
export interface ProgramsContext extends ProgramContext {
  readonly options: LoadOptions;
  readonly maps: readonly LoadedMap[];
  readonly note: (text: string) => void;
}

/**
 * Load programs one by one, in the order of the object, and bind to each the maps it holds without referring to them.
 *
 * @param early those that are loaded already
 * @throws BpfError VERIFIER_REJECTED, PROGRAM_LOAD_FAILED, PRIVILEGE_MISSING, EXTERN_UNRESOLVED
 */
export function loadPrograms(
  programs: readonly TypedProgram[],
  context: ProgramsContext,
  undo: Undo,
  early: EarlyLoads = new Map(),
): LoadedProgram[] {
  const values = kernelValues(
    programs.map(({ spec }) => spec),
    context.maps,
  );
  try {
    return programs.map((program) => {
      const loaded = early.get(program.spec);
      if (loaded === undefined) return loadOne(program, values, context, undo);
      return finished(program, { fd: loaded, log: [] }, [], context);
    });
  } finally {
    values.close();
  }
}

function loadOne(
  { spec, type, attachType }: TypedProgram,
  shared: OpenKernelValues,
  context: ProgramsContext,
  undo: Undo,
): LoadedProgram {
  const { options } = context;
  const bound = options.boundMaps ?? [];
  const { attachTargets: targets } = options;
  const target = targets !== undefined && Object.hasOwn(targets, spec.name) ? targets[spec.name] : undefined;
  const attach = attachWords(spec, { type, attachType }, target, shared.moduleBtfFd);
  const tables = new JumpTables(spec.name, context.token);
  const values = { ...shared, jumpTable: (targets: readonly number[]) => tables.fd(targets) };
  const ready = (atLoad: readonly number[]) =>
    readyProgram({ spec, type, attachType }, attach, values, atLoad);
  const { outcome, bindLater } = withClosed(tables, () =>
    loadBinding(bound, (atLoad) => loadProgram(ready(atLoad), context)),
  );
  if (outcome.result < 0) {
    const { name: object, btf } = context.object;
    throw loadFailure({ object, program: spec, type, errno: -outcome.result, log: outcome.log, btf });
  }
  const fd = new Fd(outcome.result, `program '${spec.name}'`);
  undo.push(() => fd.close());
  return finished({ spec, type, attachType }, { fd, log: outcome.log }, bindLater, context);
}

/** A program that is in the kernel, with the maps bound to it that it holds without referring to them. */
function finished(
  { spec, type, attachType }: TypedProgram,
  { fd, log }: Pick<LoadedProgram, 'fd' | 'log'>,
  bindLater: readonly number[],
  { options, maps, note }: ProgramsContext,
): LoadedProgram {
  for (const map of [...bindLater, ...constantMaps(maps)]) bindMap(spec.name, fd, map, note);
  const asked = options.programs === undefined || options.programs.includes(spec.name);
  return { spec, fd, type, attachType, asked, log };
}

/** The program holds its tables from its load on. */
function withClosed<T>(tables: JumpTables, load: () => T): T {
  try {
    return load();
  } finally {
    tables.close();
  }
}

/** A program with everything bound. @param atLoad maps that the kernel binds to it */
export function readyProgram(
  program: TypedProgram,
  attach: AttachWords,
  values: KernelValues,
  atLoad: readonly number[],
): ReadyProgram {
  // A call's index 0 means vmlinux, so modules begin behind at least one other entry.
  const front = atLoad.length > 0 ? atLoad : [0];
  const { instructions, fdArray } = bindProgram(program.spec, values, front.length);
  const needed = atLoad.length > 0 || fdArray.length > 0;
  return {
    ...program,
    instructions,
    attach,
    fdArray: needed ? new Uint8Array(Int32Array.of(...front, ...fdArray).buffer) : undefined,
    fdArrayCount: atLoad.length > 0 ? front.length + fdArray.length : undefined,
  };
}

/** Whether the kernel binds the maps of `fd_array` while it loads (`fd_array_cnt`, Linux 6.14); unknown at first. */
let bindsAtLoad: boolean | undefined;

/**
 * How kernels before 6.14 refuse `fd_array_cnt`: E2BIG where it lies behind their `union bpf_attr`, EINVAL where it lies
 * in the padding at its end, which is so since `prog_token_fd` (6.9). Programs are refused with both for other reasons
 * too.
 */
const unknownAttribute: ReadonlySet<number> = new Set([-Errno.E2BIG, -Errno.EINVAL]);

/**
 * Load with further maps bound: at once where the kernel can, so that they come first in the program's list of maps,
 * else afterwards.
 */
function loadBinding(
  bound: readonly number[],
  load: (atLoad: readonly number[]) => LoadOutcome,
): { outcome: LoadOutcome; bindLater: readonly number[] } {
  if (bound.length === 0 || bindsAtLoad === false) return { outcome: load([]), bindLater: bound };
  const outcome = load(bound);
  if (outcome.result >= 0) bindsAtLoad = true;
  if (bindsAtLoad === true || !unknownAttribute.has(outcome.result)) return { outcome, bindLater: [] };
  const without = load([]);
  if (without.result >= 0) bindsAtLoad = false;
  return { outcome: without, bindLater: bound };
}

/** As libbpf does, every program holds the object's constants, so that tools find metadata in them. */
function constantMaps(maps: readonly LoadedMap[]): number[] {
  return maps.filter(({ spec }) => constantSection(spec)).map(({ fd }) => fd.number);
}

/** Whether a map is one of the object's constants. */
export function constantSection({ origin, section }: MapSpec): boolean {
  return origin === 'data' && section.startsWith('.rodata');
}

/** BPF_PROG_BIND_MAP came with Linux 5.10; a program works as well without. */
function bindMap(program: string, fd: Fd, map: number, note: (text: string) => void): void {
  try {
    programBindMap(fd.number, map);
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    note(`program '${program}': a map could not be bound to it (${error.fields.errno})`);
  }
}
