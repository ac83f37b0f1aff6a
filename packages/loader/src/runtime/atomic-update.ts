import { failure, Fd, mapBatch, mapCreate, mapLookup, mapUpdate, programLoad, testRun } from '../kernel';
import { MapType, ProgramType } from '../object';
import {
  atomicUpdateInstructions,
  changesPerRun,
  Control,
  stagedLayout,
  type AtomicField,
} from './atomic-update-program';
import { type BpfMap } from './map';
import { isPerCpu } from './map-types';

/** How one entry changes. */
export interface AtomicChange {
  readonly key: Uint8Array;
  /** In a per-CPU map: the value of which CPU; 0 if left out. */
  readonly cpu?: number | undefined;
  /**
   * For each field in its order: the amount (modulo the field's size, so that a negative one subtracts), or the bits
   * before and after an exchange; where these are equal, nothing is done.
   */
  readonly operands: readonly (bigint | readonly [before: bigint, after: bigint])[];
}

/** What became of the changes. */
export interface AtomicOutcome {
  /** Changes whose key was in the map. */
  readonly found: number;
  readonly missing: number;
  /** Exchanges that were not made, since something else than expected was there. */
  readonly conflicts: number;
}

/**
 * Changes parts of a map's values while programs run on it, each with one atomic instruction: a small program does it,
 * since no system call can. What programs add to the same fields meanwhile is not lost, if they add atomically
 * (`__sync_fetch_and_add`) too; what is beside the fields is not touched.
 *
 * @param fields aligned to their size
 * @throws BpfError PROGRAM_LOAD_FAILED, where the map is read-only for programs, or the kernel is older than 5.12 (with
 *   exchanges) or 5.19 (a per-CPU map); PRIVILEGE_MISSING, MAP_CREATE_FAILED
 *
 * @example
 * ```ts
 * const key = Uint8Array.of(7, 0, 0, 0);
 * map.raw.update(key, new Uint8Array(map.valueSize));
 * updateAtomically(map, [{ offset: 0, size: 8, operation: 'add' }], [{ key, operands: [5n] }]).found; // 1
 * ```
 */
export function updateAtomically(
  map: BpfMap,
  fields: readonly AtomicField[],
  changes: Iterable<AtomicChange>,
): AtomicOutcome {
  const { cpu: cpuAt, operands: operandsAt, size } = stagedLayout(map.keySize, fields);
  const most = changesPerRun(fields);
  const opened: Fd[] = [];
  const own = (fd: Fd): number => {
    opened.push(fd);
    return fd.number;
  };
  try {
    const control = own(array('change_control', Control.size, 1));
    const staging = own(array('change_staging', size, most));
    const maps = { control, staging, target: map.fd };
    const code = atomicUpdateInstructions(maps, map.keySize, isPerCpu(map.type), fields);
    const program = own(load(code, map.name));
    const values = new Uint8Array(most * size);
    const view = new DataView(values.buffer);
    let count = 0;
    const flush = (): void => {
      if (count > 0) run({ program, control, staging }, values, count);
      count = 0;
    };
    const put = (at: number, value: bigint): void => view.setBigUint64(at, BigInt.asUintN(64, value), true);
    for (const { key, cpu = 0, operands } of changes) {
      const at = count * size;
      values.set(key, at);
      put(at + cpuAt, BigInt(cpu));
      operands.forEach((operand, i) => {
        const [first, second] = typeof operand === 'bigint' ? [operand] : operand;
        put(at + operandsAt[i]!, first);
        if (second !== undefined) put(at + operandsAt[i]! + 8, second);
      });
      if (++count === most) flush();
    }
    flush();
    const total = new DataView(new ArrayBuffer(Control.size));
    mapLookup(control, firstKey, new Uint8Array(total.buffer));
    const counter = (at: number): number => Number(total.getBigUint64(at, true));
    return {
      found: counter(Control.found),
      missing: counter(Control.missing),
      conflicts: counter(Control.conflicts),
    };
  } finally {
    for (const fd of opened.reverse()) fd.close();
  }
}

const firstKey = new Uint8Array(4);
/** The kernel runs a socket filter on nothing less than an Ethernet header. */
const packet = new Uint8Array(64);

function run(
  fds: { readonly program: number; readonly control: number; readonly staging: number },
  values: Uint8Array,
  count: number,
): void {
  const keys = new Uint8Array(Uint32Array.from({ length: count }, (_, i) => i).buffer);
  const { error } = mapBatch('BPF_MAP_UPDATE_BATCH', fds.staging, { keys, values, count });
  if (error < 0) throw failure('BPF_MAP_UPDATE_BATCH', error);
  const control = new Uint8Array(Control.size);
  mapLookup(fds.control, firstKey, control);
  new DataView(control.buffer).setBigUint64(Control.staged, BigInt(count), true);
  mapUpdate(fds.control, firstKey, control);
  testRun(fds.program, { data: packet });
}

function array(name: string, valueSize: number, maxEntries: number): Fd {
  const result = mapCreate({
    map_type: MapType.array,
    key_size: 4,
    value_size: valueSize,
    max_entries: maxEntries,
    map_name: name,
  });
  if (result < 0)
    throw failure(`map '${name}': BPF_MAP_CREATE`, result, { code: 'MAP_CREATE_FAILED', needs: ['CAP_BPF'] });
  return new Fd(result, `map ${name}`);
}

function load(instructions: Uint8Array, map: string): Fd {
  const { result } = programLoad({
    // Of the types that can be run on demand the one that needs no capability but CAP_BPF. It does not sleep: a
    // sleepable one could not use every type of map.
    prog_type: ProgramType.socket_filter,
    prog_name: 'change_values',
    insns: instructions,
    insn_cnt: instructions.length / 8,
    license: 'GPL',
  });
  if (result >= 0) return new Fd(result, 'program change_values');
  throw failure(`the program that changes values of map '${map}': BPF_PROG_LOAD`, result, {
    code: 'PROGRAM_LOAD_FAILED',
    needs: ['CAP_BPF'],
    map,
  });
}
