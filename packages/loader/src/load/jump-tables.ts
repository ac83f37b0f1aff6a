import { failure, Fd, mapCreate, mapFreeze, mapUpdate, withToken } from '../kernel';
import { MapType } from '../object';

/** `struct bpf_insn_array_value`: `orig_off`, and what the kernel makes of it while it verifies. */
const VALUE_SIZE = 16;

/**
 * The jump tables of one program while it is loaded: maps of type BPF_MAP_TYPE_INSN_ARRAY (Linux 6.19, b4ce5923e780),
 * which say where an instruction has gone. A table belongs to one program, which keeps it.
 */
export class JumpTables {
  private readonly maps = new Map<string, Fd>();

  constructor(
    private readonly program: string,
    private readonly token: number | undefined,
  ) {}

  /**
   * @param targets indices of instructions of the program
   * @returns the fd of a table of them, made when it is first asked for
   * @throws BpfError MAP_CREATE_FAILED on a kernel without such maps
   */
  fd(targets: readonly number[]): number {
    const key = targets.join();
    let map = this.maps.get(key);
    if (map === undefined) {
      map = this.create(targets);
      this.maps.set(key, map);
      fill(map, targets);
    }
    return map.number;
  }

  close(): void {
    for (const map of this.maps.values()) map.close();
  }

  private create(targets: readonly number[]): Fd {
    const result = mapCreate({
      map_type: MapType.insn_array,
      key_size: 4,
      value_size: VALUE_SIZE,
      max_entries: targets.length,
      map_name: '.jumptables',
      map_flags: withToken(undefined, this.token),
      map_token_fd: this.token,
    });
    if (result >= 0) return new Fd(result, `jump table of program '${this.program}'`);
    throw failure(`program '${this.program}': a jump table: BPF_MAP_CREATE`, result, {
      code: 'MAP_CREATE_FAILED',
      program: this.program,
      needs: ['CAP_BPF'],
      hint: 'jump tables take Linux 6.19: compile with -fno-jump-tables for older kernels',
    });
  }
}

/** The kernel takes a table only when nobody can change it any more. */
function fill(map: Fd, targets: readonly number[]): void {
  targets.forEach((target, index) => {
    const value = new Uint8Array(VALUE_SIZE);
    new DataView(value.buffer).setUint32(0, target, true);
    mapUpdate(map.number, new Uint8Array(Uint32Array.of(index).buffer), value);
  });
  mapFreeze(map.number);
}
