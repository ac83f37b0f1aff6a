import { failure, Fd, mapBatch, mapCreate, mapLookup, mapUpdate, programLoad, testRun } from '../kernel';
import { MapType, ProgramType } from '../object';
import { atomicAddInstructions, cpuOffset, STAGED, type AddedField } from './atomic-add-program';
import { type BpfMap } from './map';
import { isPerCpu } from './map-types';

/** What to add to an entry: an amount for each field, and, in a per-CPU map, to the value of which CPU. */
export interface Addition {
  readonly key: Uint8Array;
  readonly cpu?: number | undefined;
  /** Modulo the field's size: a negative number subtracts. */
  readonly amounts: readonly bigint[];
}

/** What became of the additions. */
export interface AddOutcome {
  readonly added: number;
  /** Their keys were not in the map. */
  readonly missing: number;
}

/**
 * Adds to integers of a map's values while programs run on it, each with one atomic instruction: a small program does
 * it, since no system call can. What programs add at the same time is not lost, if they add atomically
 * (`__sync_fetch_and_add`) too.
 *
 * @param fields whole, aligned integers of 4 or 8 bytes
 * @throws BpfError PROGRAM_LOAD_FAILED, where the map is read-only for programs, or the kernel is older than 5.19 and
 *   the map is per CPU; PRIVILEGE_MISSING, MAP_CREATE_FAILED
 *
 * @example
 * ```ts
 * const key = Uint8Array.of(7, 0, 0, 0);
 * map.raw.update(key, new Uint8Array(map.valueSize));
 * addAtomically(map, [{ offset: 0, size: 8 }], [{ key, amounts: [5n] }]); // { added: 1, missing: 0 }
 * ```
 */
export function addAtomically(
  map: BpfMap,
  fields: readonly AddedField[],
  additions: Iterable<Addition>,
): AddOutcome {
  const perCpu = isPerCpu(map.type);
  const amountsAt = cpuOffset(map.keySize) + 8;
  const size = amountsAt + 8 * fields.length;
  const opened: Fd[] = [];
  const own = (fd: Fd): number => {
    opened.push(fd);
    return fd.number;
  };
  try {
    const control = own(array('add_control', 24, 1));
    const staging = own(array('add_staging', size, STAGED));
    const program = own(
      load(
        atomicAddInstructions({ control, staging, target: map.fd }, map.keySize, perCpu, fields),
        map.name,
      ),
    );
    const values = new Uint8Array(STAGED * size);
    const view = new DataView(values.buffer);
    let count = 0;
    const flush = (): void => {
      if (count > 0) run({ program, control, staging }, values, count);
      count = 0;
      values.fill(0);
    };
    for (const { key, cpu = 0, amounts } of additions) {
      const at = count * size;
      values.set(key, at);
      view.setUint32(at + amountsAt - 8, cpu, true);
      amounts.forEach((amount, i) =>
        view.setBigUint64(at + amountsAt + 8 * i, BigInt.asUintN(64, amount), true),
      );
      if (++count === STAGED) flush();
    }
    flush();
    const total = new Uint8Array(24);
    mapLookup(control, firstKey, total);
    const totals = new DataView(total.buffer);
    return { added: Number(totals.getBigUint64(8, true)), missing: Number(totals.getBigUint64(16, true)) };
  } finally {
    for (const fd of opened.reverse()) fd.close();
  }
}

const firstKey = new Uint8Array(4);
const indexes = new Uint8Array(Uint32Array.from({ length: STAGED }, (_, i) => i).buffer);
/** The kernel runs a socket filter on nothing less than an Ethernet header. */
const packet = new Uint8Array(64);

function run(
  fds: { readonly program: number; readonly control: number; readonly staging: number },
  values: Uint8Array,
  count: number,
): void {
  const { error } = mapBatch('BPF_MAP_UPDATE_BATCH', fds.staging, { keys: indexes, values, count });
  if (error < 0) throw failure('BPF_MAP_UPDATE_BATCH', error);
  const control = new Uint8Array(24);
  mapLookup(fds.control, firstKey, control);
  new DataView(control.buffer).setBigUint64(0, BigInt(count), true);
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
    prog_name: 'add_atomically',
    insns: instructions,
    insn_cnt: instructions.length / 8,
    license: 'GPL',
  });
  if (result >= 0) return new Fd(result, 'program add_atomically');
  throw failure(`the program that adds to map '${map}': BPF_PROG_LOAD`, result, {
    code: 'PROGRAM_LOAD_FAILED',
    needs: ['CAP_BPF'],
    map,
  });
}
