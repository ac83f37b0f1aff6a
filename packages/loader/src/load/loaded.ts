import { BpfError } from '../errors';
import { type Fd, type MappedMemory } from '../kernel';
import { type MapSpec } from '../object';
import { type RelocatedProgram } from '../relocate';

/** What {@link loadObject} is told beside the object. */
export interface LoadOptions {
  /**
   * Names of the programs to load; with them come the maps they refer to, and the programs in the slots of those
   * maps. Left out: every program that the object was relocated for, and every map.
   */
  readonly programs?: readonly string[] | undefined;
  /** Fds of maps to use instead of creating them, by name of the map. They stay the caller's. */
  readonly maps?: Readonly<Record<string, number>> | undefined;
  /** Fds of further maps that each program holds from now on. They come first in its list of maps on Linux 6.14. */
  readonly boundMaps?: readonly number[] | undefined;
  /** Where to pin maps by name of the map: opened if there is a pin already, else created and pinned. */
  readonly mapPins?: Readonly<Record<string, string>> | undefined;
  /** Directory of maps that ask for it themselves (`LIBBPF_PIN_BY_NAME`); /sys/fs/bpf by default. */
  readonly pinRoot?: string | undefined;
  /** Types of programs whose section name says nothing, or is overruled, by name of the program. */
  readonly types?: Readonly<Record<string, ProgramTypeChoice>> | undefined;
  /** Programs of others that freplace, fentry and fexit programs are for, by name of the program that is loaded. */
  readonly attachTargets?: Readonly<Record<string, ProgramTarget>> | undefined;
  /**
   * Path of a bpffs that delegates rights to this process's user namespace: maps, programs and types are made with a
   * BPF token from there (Linux 6.9). Left out: /sys/fs/bpf, in a user namespace that is not the initial one. '': no
   * token.
   */
  readonly token?: string | undefined;
  /** `log_level` of BPF_PROG_LOAD for programs that load too: 1 instructions, 2 every state, 4 statistics. */
  readonly logLevel?: number | undefined;
}

export interface ProgramTypeChoice {
  /** `enum bpf_prog_type`. */
  readonly type: number;
  /** `enum bpf_attach_type`. */
  readonly attachType?: number | undefined;
}

/** A function of a program that is loaded already. */
export interface ProgramTarget {
  /** fd of the program. It stays the caller's. */
  readonly program: number;
  /** Name of the function; by default what follows the slash in the section name. */
  readonly function?: string | undefined;
}

export interface LoadedMap {
  /** The definition as it was carried out: sizes rounded, counts of CPUs filled in. */
  readonly spec: MapSpec;
  readonly fd: Fd;
  /** Made now, found at its pin, or handed in by the caller. */
  readonly origin: 'created' | 'pinned' | 'given';
  /** Where it is pinned, as far as loading pinned or found it. */
  readonly pin: string | undefined;
  /** Of an arena: where its variables begin, and the memory, if it was made now. Closing the object unmaps it. */
  readonly arena?: { readonly offset: number; readonly memory: MappedMemory | undefined } | undefined;
}

export interface LoadedProgram {
  readonly spec: RelocatedProgram;
  readonly fd: Fd;
  /** `enum bpf_prog_type` and `enum bpf_attach_type` that it was loaded with. */
  readonly type: number;
  readonly attachType: number;
  /** False for a program that came along because a slot of a prog array holds it. */
  readonly asked: boolean;
  /** The verifier's log, empty unless asked for. */
  readonly log: readonly string[];
}

/** Microseconds per phase. */
export interface LoadTiming {
  readonly btf: number;
  readonly maps: number;
  readonly programs: number;
}

/**
 * An object in the kernel: it lives as long as its fds, pins and links do.
 *
 * @example
 * ```ts
 * const loaded = loadObject(relocateObject(spec, runningKernel()));
 * loaded.map('hits').spec.maxEntries; // 1024
 * loaded.close();
 * ```
 */
export class LoadedObject implements Disposable {
  constructor(
    readonly name: string,
    /** In the order of the object's definitions. */
    readonly maps: readonly LoadedMap[],
    /** In the order of the object's programs. */
    readonly programs: readonly LoadedProgram[],
    readonly timing: LoadTiming,
    /** What did not go as wished and is no failure: BTF that the kernel refused, an empty slot. */
    readonly notes: readonly string[],
  ) {}

  /** @throws BpfError MAP_NOT_FOUND */
  map(name: string): LoadedMap {
    const map = this.maps.find((candidate) => candidate.spec.name === name);
    if (map === undefined)
      throw new BpfError('MAP_NOT_FOUND', `${this.name}: no map '${name}' is loaded`, { map: name });
    return map;
  }

  /** @throws BpfError PROGRAM_NOT_FOUND */
  program(name: string): LoadedProgram {
    const program = this.programs.find((candidate) => candidate.spec.name === name);
    if (program === undefined) {
      throw new BpfError('PROGRAM_NOT_FOUND', `${this.name}: no program '${name}' is loaded`, {
        program: name,
      });
    }
    return program;
  }

  /** Close every fd. What is neither pinned nor attached leaves the kernel. */
  close(): void {
    for (const { arena } of this.maps) arena?.memory?.unmap();
    for (const { fd } of [...this.programs, ...this.maps]) fd.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
