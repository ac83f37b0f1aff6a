/**
 * The kernel as a second oracle for CO-RE: `node -r ./tools/run-source.js tools/conformance/kernel-core.ts OBJECT...`, as
 * root. Each program is loaded twice, relocated by us, and as it was compiled with its relocation records for the kernel
 * to apply (`core_relos`, Linux 5.17); then both must have the same tag. Nothing is pinned or attached.
 *
 * Without func_info the kernel passes the records over in silence: such programs are not compared. Its errors are only in
 * the verifier's log.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { BpfError } from '../../packages/loader/src/errors';
import {
  btfLoad,
  closeFd,
  programInfo,
  programLoad,
  type ProgramLoadAttributes,
  runningKernel,
} from '../../packages/loader/src/kernel';
import { loadObject, type LoadedObject } from '../../packages/loader/src/load';
import { bindProgram } from '../../packages/loader/src/load/bind';
import { objectName, parseObject, type ObjectSpec } from '../../packages/loader/src/object';
import { relocateObject, type RelocatedProgram } from '../../packages/loader/src/relocate';
import { ExceptionCallbacks } from '../../packages/loader/src/relocate/exception-callbacks';
import { layoutProgram } from '../../packages/loader/src/relocate/link';

const RECORD_WORDS = 4;
const LOG_SIZE = 1 << 20;

export interface KernelCoreResult {
  readonly program: string;
  /** Why it could not be compared, or what the kernel said; undefined where both are the same. */
  readonly difference: string | undefined;
  readonly compared: boolean;
}

/** Compares the programs of one object that have CO-RE relocations. */
export function compareWithKernel(file: string): KernelCoreResult[] {
  const spec = parseObject(new Uint8Array(readFileSync(file)), { name: objectName(file) });
  const plain = relocateObject(withoutCore(spec), runningKernel());
  const loaded = loadObject(relocateObject(spec, runningKernel()));
  const types = btfLoad(plain.btf!);
  try {
    return plain.programs.flatMap((program) => {
      const records = recordsOf(spec, program);
      return records.length === 0
        ? []
        : [compareOne(program, records, { loaded, types, license: plain.license })];
    });
  } finally {
    closeFd(types);
    loaded.close();
  }
}

function withoutCore(spec: ObjectSpec): ObjectSpec {
  return {
    ...spec,
    functions: spec.functions.map((fn) => ({ ...fn, coreRelocations: new Uint32Array() })),
  };
}

/** `struct bpf_core_relo` of the whole program: offsets in bytes, from its start. */
function recordsOf(spec: ObjectSpec, program: RelocatedProgram): Uint32Array {
  const callback = new ExceptionCallbacks(spec).of(program.function);
  const { starts } = layoutProgram(spec, program.function, callback);
  const records = [...starts].flatMap(([index, start]) =>
    [...spec.functions[index]!.coreRelocations].map((word, i) =>
      i % RECORD_WORDS === 0 ? 8 * (start + word) : word,
    ),
  );
  return Uint32Array.from(records);
}

interface Context {
  readonly loaded: LoadedObject;
  readonly types: number;
  readonly license: string;
}

function compareOne(
  program: RelocatedProgram,
  records: Uint32Array,
  { loaded, types, license }: Context,
): KernelCoreResult {
  const { name, funcInfo, lineInfo } = program;
  const simple = program.bindings.every(({ kind }) => kind === 'map' || kind === 'data');
  if (!simple || funcInfo.length === 0)
    return { program: name, difference: 'not comparable', compared: false };
  const ours = loaded.program(name);
  const { instructions } = bindProgram(program, {
    mapFd: (map) => loaded.map(map).fd.number,
    dataOffset: () => 0,
    symbolAddress: () => 0n,
    jumpTable: () => -1,
    moduleBtfFd: () => -1,
  });
  const attributes: ProgramLoadAttributes = {
    prog_type: ours.type,
    expected_attach_type: ours.attachType,
    prog_name: name,
    prog_flags: program.flags,
    insns: instructions,
    insn_cnt: instructions.length / 8,
    license,
    attach_btf_id: program.attach?.typeId,
    prog_btf_fd: types,
    ...{ func_info: funcInfo, func_info_rec_size: 8, func_info_cnt: funcInfo.length / 8 },
    ...{ line_info: lineInfo, line_info_rec_size: 16, line_info_cnt: lineInfo.length / 16 },
    core_relos: new Uint8Array(records.buffer),
    core_relo_cnt: records.length / RECORD_WORDS,
    core_relo_rec_size: 4 * RECORD_WORDS,
  };
  const { result } = programLoad(attributes);
  if (result < 0) {
    const log = Buffer.alloc(LOG_SIZE);
    programLoad({ ...attributes, log_level: 1, log_size: LOG_SIZE, log_buf: log });
    const text = log.toString('latin1', 0, log.indexOf(0)).trim().split('\n').slice(-2).join(' | ');
    return { program: name, difference: `the kernel refuses it (${-result}): ${text}`, compared: true };
  }
  const [theirs, mine] = [programInfo(result).tag, programInfo(ours.fd.number).tag];
  closeFd(result);
  return {
    program: name,
    difference: theirs === mine ? undefined : `tag ${mine}, by the kernel ${theirs}`,
    compared: true,
  };
}

function main(files: readonly string[]): void {
  let [same, different, refused] = [0, 0, 0];
  for (const file of files) {
    try {
      for (const { program, difference, compared } of compareWithKernel(file)) {
        if (!compared) continue;
        if (difference === undefined) same++;
        else {
          different++;
          console.log(`${path.basename(file)} ${program}: ${difference}`);
        }
      }
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      refused++;
    }
  }
  console.log(`${same} programs the same, ${different} different; ${refused} objects that do not load`);
  if (different > 0) process.exitCode = 1;
}

if (require.main === module) main(process.argv.slice(2));
