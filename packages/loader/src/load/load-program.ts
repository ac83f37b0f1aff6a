import {
  btfLoad,
  Errno,
  Fd,
  features,
  hasFeature,
  kernelVersionCode,
  programLoad,
  type ProgramLoadAttributes,
  withToken,
} from '../kernel';
import { ProgramType } from '../object';
import { type RelocatedObject, type RelocatedProgram } from '../relocate';
import { withContextArguments } from './context-arguments';
import { type LoadedBtf } from './load-btf';
import { type AttachWords } from './program-target';
import { mayBeTooOld, olderProgram } from './older-kernels';

/** What is the same for every program of an object. */
export interface ProgramContext {
  readonly object: RelocatedObject;
  readonly btf: LoadedBtf | undefined;
  readonly logLevel: number;
  /** fd of a BPF token. */
  readonly token?: number | undefined;
}

/** A program's instructions with everything bound, and what its attributes need beside them. */
export interface ReadyProgram {
  readonly spec: RelocatedProgram;
  readonly type: number;
  readonly attachType: number;
  readonly instructions: Uint8Array;
  readonly attach: AttachWords;
  readonly fdArray: Uint8Array | undefined;
  /** How many entries of it are maps to be bound; undefined where it is only indexed. */
  readonly fdArrayCount: number | undefined;
}

/** What came of a load. */
export interface LoadOutcome {
  /** The fd, or the negative error number. */
  readonly result: number;
  readonly log: readonly string[];
}

const funcInfoSize = 8;
const lineInfoSize = 16;

/** `version` of an object that leaves it to the loader. */
const anyVersion = 0xfffffffe;

/**
 * BPF_PROG_LOAD. The first try is without a log, since making one slows the verifier down; if it fails, the load is
 * repeated with a log, in a buffer that grows until the whole log fits. A kernel that may be too old for something the
 * program can do without is tried without that first.
 */
export function loadProgram(ready: ReadyProgram, context: ProgramContext): LoadOutcome {
  const attributes = programAttributes(ready, context);
  const attempt = (what: ProgramLoadAttributes): LoadOutcome =>
    context.logLevel > 0 ? loadWithLog(what, context.logLevel) : { ...patiently(what), log: [] };
  const first = attempt(attributes);
  if (!mayBeTooOld(first.result)) return withReason(first, attributes, context);
  const typed = olderTypes(ready, attributes, context);
  try {
    const older = olderProgram(typed?.attributes ?? attributes, ready.spec.attachTypeOptional);
    const last = older ?? typed?.attributes;
    return last === undefined
      ? withReason(first, attributes, context)
      : withReason(attempt(last), last, context);
  } finally {
    typed?.btf.close();
  }
}

/** A refusal without a log gets one. */
function withReason(
  outcome: LoadOutcome,
  attributes: ProgramLoadAttributes,
  { logLevel }: ProgramContext,
): LoadOutcome {
  return outcome.result >= 0 || logLevel > 0 ? outcome : loadWithLog(attributes, 1);
}

/** The load with types of its own, where a tag of a parameter says what this kernel takes from its type only. */
function olderTypes(
  { spec, type }: ReadyProgram,
  attributes: ProgramLoadAttributes,
  { btf, token }: ProgramContext,
): { readonly attributes: ProgramLoadAttributes; readonly btf: Fd } | undefined {
  if (btf === undefined || !btf.functions) return undefined;
  const types = withContextArguments({ btf: btf.bytes, funcInfo: spec.funcInfo }, type);
  if (types === undefined || hasFeature(features.contextArguments) !== false) return undefined;
  const result = btfLoad(types.btf, undefined, token);
  if (result < 0) return undefined;
  const changed = { ...attributes, prog_btf_fd: result, func_info: types.funcInfo };
  return { attributes: changed, btf: new Fd(result, 'BTF') };
}

/** Attributes of BPF_PROG_LOAD. */
export function programAttributes(
  ready: ReadyProgram,
  { object, btf, token }: ProgramContext,
): ProgramLoadAttributes {
  const { spec } = ready;
  const debug = btf?.functions === true && spec.funcInfo.length > 0;
  return {
    prog_type: ready.type,
    expected_attach_type: ready.attachType,
    prog_name: spec.name,
    prog_flags: withToken(spec.flags, token),
    prog_token_fd: token,
    insns: ready.instructions,
    insn_cnt: ready.instructions.length / 8,
    license: object.license,
    kern_version: versionFor(ready.type, object.kernelVersion),
    attach_btf_id: ready.attach.typeId,
    attach_fd: ready.attach.fd,
    fd_array: ready.fdArray,
    fd_array_cnt: ready.fdArrayCount,
    prog_btf_fd: btf?.fd.number,
    ...(debug && {
      func_info: spec.funcInfo,
      func_info_rec_size: funcInfoSize,
      func_info_cnt: spec.funcInfo.length / funcInfoSize,
      line_info: spec.lineInfo,
      line_info_rec_size: lineInfoSize,
      line_info_cnt: spec.lineInfo.length / lineInfoSize,
    }),
  };
}

/** Kernels before 5.0 take a kprobe program only with their own version in it. */
function versionFor(type: number, version: number): number {
  const asked = version === anyVersion || (version === 0 && type === ProgramType.kprobe);
  return asked ? kernelVersionCode() : version;
}

const firstLogSize = 64 * 1024;
/** UINT32_MAX >> 2, the most that every kernel takes (bpf_verifier_log_attr_valid()). */
const largestLogSize = 0x3fffffff;

function loadWithLog(attributes: ProgramLoadAttributes, level: number): LoadOutcome {
  for (let size = firstLogSize; ;) {
    const buffer = new Uint8Array(size);
    const { result, logTrueSize } = patiently({
      ...attributes,
      log_level: level,
      log_size: size,
      log_buf: buffer,
    });
    // Since Linux 6.4 the kernel says how much there is; before, ENOSPC says that it was more than this.
    const wanted = logTrueSize > 0 ? logTrueSize : result === -Errno.ENOSPC ? size * 2 : size;
    if (wanted <= size || size === largestLogSize) return { result, log: logLines(buffer) };
    if (result >= 0) return { result, log: logLines(buffer) };
    size = Math.min(wanted, largestLogSize);
  }
}

const attempts = 5;

/** EAGAIN: a signal was pending while the verifier ran (since Linux 5.1, c3494801cd17). */
function patiently(attributes: ProgramLoadAttributes) {
  for (let attempt = 1; ; attempt++) {
    const answer = programLoad(attributes);
    if (answer.result !== -Errno.EAGAIN || attempt === attempts) return answer;
  }
}

function logLines(buffer: Uint8Array): string[] {
  const end = buffer.indexOf(0);
  const text = Buffer.from(end < 0 ? buffer : buffer.subarray(0, end)).toString('utf8');
  return text === '' ? [] : text.trimEnd().split('\n');
}
