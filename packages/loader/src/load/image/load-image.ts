import { availableParallelism } from 'node:os';
import {
  addressNumber,
  closeFd,
  Command,
  Errno,
  MAP_CREATE,
  MAP_ELEMENT,
  OBJ,
  PROG_BIND_MAP,
  PROG_LOAD,
  QuickBpf,
} from '../../kernel';
import { DEAR } from '../early-loads';
import { Header, MAP_ATTRIBUTES, MapFlag, MapWord, PROGRAM_ATTRIBUTES, ProgramWord } from './format';
import { openImage, type OpenImage } from './open-image';

const MAP_FD = MAP_ELEMENT.map_fd[0] / 4;
const KEY = MAP_ELEMENT.key[0] / 4;
const VALUE = MAP_ELEMENT.value[0] / 4;

/** As many as the verifier may be interrupted by a pending signal (EAGAIN, since Linux 5.1). */
const ATTEMPTS = 5;

/** Microseconds per phase. */
interface ImageTiming {
  maps: number;
  programs: number;
  pin: number;
}

/**
 * An object that is loaded from its image, in the order of the system calls: types, maps with their contents,
 * programs. Any refusal by the kernel ends it without a word: then {@link close} it and load the object itself, which
 * finds out why, or does without what this kernel does not know.
 *
 * @example
 * ```ts
 * const load = ImageLoad.of(new Uint8Array(64));
 * load?.load();
 * load?.close();
 * ```
 */
export class ImageLoad {
  /** Fds in the order of the object. */
  readonly maps: number[] = [];
  readonly programs: number[] = [];
  readonly timing: ImageTiming = { maps: 0, programs: 0, pin: 0 };
  private readonly bpf = new QuickBpf();
  private readonly base: number;
  private types = -1;

  private constructor(private readonly image: OpenImage) {
    this.base = addressNumber(image.bytes);
  }

  /**
   * @param bytes of `makeImage`, at a multiple of 8: fds are written into them
   * @returns undefined if they are no image for this machine
   */
  static of(bytes: Uint8Array): ImageLoad | undefined {
    const image = openImage(bytes);
    return image && new ImageLoad(image);
  }

  /** @returns whether everything is in the kernel now; a promise of that where programs are loaded in threads */
  load(): boolean | Promise<boolean> {
    const start = process.hrtime.bigint();
    if (!this.loadTypes() || !this.image.maps.every((at) => this.createMap(at))) return false;
    this.timing.maps = since(start);
    const programsStart = process.hrtime.bigint();
    const { words, programs } = this.image;
    const dear = programs.filter((at) => words[at + ProgramWord.cost]! > DEAR);
    const loaded = dear.length > 1 ? this.loadInThreads(dear) : this.loadRest();
    const ended = (all: boolean): boolean => {
      // Maps and programs hold the types from here on.
      if (this.types >= 0) closeFd(this.types);
      this.types = -1;
      const bound = all && programs.every((at, i) => this.bind(at, this.programs[i]!));
      this.timing.programs = since(programsStart);
      return bound;
    };
    return typeof loaded === 'boolean' ? ended(loaded) : loaded.then(ended);
  }

  /**
   * Pins everything: programs in a directory on a bpf file system, maps in its `maps`. Both are there, and empty.
   *
   * @returns false if one could not be pinned
   */
  pin(directory: string): boolean {
    const start = process.hrtime.bigint();
    const { words, maps, programs } = this.image;
    const place = new PinPath(this.image.bytes);
    this.bpf.clear();
    this.bpf.pointer(OBJ.pathname[0] / 4, place.address);
    const pinned =
      maps.every((at, i) => {
        place.set(`${directory}/maps/`, words[at + MapWord.pin]!, words[at + MapWord.pinSize]!);
        return this.pinOne(this.maps[i]!);
      }) &&
      programs.every((at, i) => {
        place.set(`${directory}/`, words[at + ProgramWord.pin]!, words[at + ProgramWord.pinSize]!);
        return this.pinOne(this.programs[i]!);
      });
    this.timing.pin = since(start);
    return pinned;
  }

  close(): void {
    for (const fd of [...this.programs, ...this.maps, this.types]) if (fd >= 0) closeFd(fd);
    this.maps.length = this.programs.length = 0;
    this.types = -1;
  }

  private loadTypes(): boolean {
    const { words } = this.image;
    const size = words[Header.btfSize]!;
    if (size === 0) return true;
    this.bpf.clear();
    this.bpf.pointer(0, this.base + words[Header.btf]!);
    // struct of BPF_BTF_LOAD: addresses of types and log, then their sizes.
    this.bpf.words[4] = size;
    this.types = this.bpf.call(Command.BPF_BTF_LOAD);
    return this.types >= 0;
  }

  private createMap(at: number): boolean {
    const { bpf } = this;
    const { words, bytes } = this.image;
    const flags = words[at + MapWord.flags]!;
    const attributes = words[at + MapWord.attributes]!;
    bpf.clear();
    bpf.bytes.set(bytes.subarray(attributes, attributes + MAP_ATTRIBUTES));
    if (flags & MapFlag.typed) bpf.words[MAP_CREATE.btf_fd[0] / 4] = this.types;
    const fd = bpf.call(Command.BPF_MAP_CREATE);
    if (fd < 0) return false;
    this.maps.push(fd);
    if (flags & MapFlag.filled) {
      bpf.clear();
      bpf.words[MAP_FD] = fd;
      // The key is 0: the four zeros behind what is used of the attributes.
      bpf.pointer(KEY, bpf.zeros);
      bpf.pointer(VALUE, this.base + words[at + MapWord.data]!);
      if (bpf.call(Command.BPF_MAP_UPDATE_ELEM) < 0) return false;
    }
    if (flags & MapFlag.frozen) {
      bpf.clear();
      bpf.words[MAP_FD] = fd;
      if (bpf.call(Command.BPF_MAP_FREEZE) < 0) return false;
    }
    return true;
  }

  /** Writes the attributes of a program, and the fds of its maps into its instructions. */
  private prepare(at: number): void {
    const { bpf, base } = this;
    const { words, bytes } = this.image;
    const insns = words[at + ProgramWord.insns]! / 4;
    const bindings = words[at + ProgramWord.bindings]! / 4;
    const end = bindings + 2 * words[at + ProgramWord.bindingCount]!;
    for (let i = bindings; i < end; i += 2) words[insns + 2 * words[i]! + 1] = this.maps[words[i + 1]!]!;

    const attributes = words[at + ProgramWord.attributes]!;
    bpf.clear();
    bpf.bytes.set(bytes.subarray(attributes, attributes + PROGRAM_ATTRIBUTES));
    const set = (field: readonly [number, string], value: number): void =>
      void (bpf.words[field[0] / 4] = value);
    const point = (field: readonly [number, string], offset: number): void =>
      bpf.pointer(field[0] / 4, base + offset);
    set(PROG_LOAD.insn_cnt, words[at + ProgramWord.insnCount]!);
    point(PROG_LOAD.insns, words[at + ProgramWord.insns]!);
    point(PROG_LOAD.license, words[Header.license]!);
    if (this.types >= 0) set(PROG_LOAD.prog_btf_fd, this.types);
    const functions = words[at + ProgramWord.funcInfoCount]!;
    set(PROG_LOAD.func_info_cnt, functions);
    if (functions > 0) point(PROG_LOAD.func_info, words[at + ProgramWord.funcInfo]!);
    const lines = words[at + ProgramWord.lineInfoCount]!;
    set(PROG_LOAD.line_info_cnt, lines);
    if (lines > 0) point(PROG_LOAD.line_info, words[at + ProgramWord.lineInfo]!);
  }

  /** Loads the programs that are not loaded yet, in order. */
  private loadRest(): boolean {
    return this.image.programs.every((at, i) => (this.programs[i] ?? -1) >= 0 || this.loadOne(at, i));
  }

  private loadOne(at: number, i: number): boolean {
    this.prepare(at);
    let fd = this.bpf.call(Command.BPF_PROG_LOAD);
    for (let attempt = 1; fd === -Errno.EAGAIN && attempt < ATTEMPTS; attempt++) {
      fd = this.bpf.call(Command.BPF_PROG_LOAD);
    }
    this.programs[i] = fd;
    return fd >= 0;
  }

  /** The dear ones in threads, dearest first, as many at a time as there are CPUs; meanwhile the others here. */
  private async loadInThreads(dear: readonly number[]): Promise<boolean> {
    const { words, programs } = this.image;
    programs.forEach((_, i) => (this.programs[i] = -1));
    const waiting = [...dear].sort((a, b) => words[b + ProgramWord.cost]! - words[a + ProgramWord.cost]!);
    const next = async (): Promise<void> => {
      for (let at = waiting.shift(); at !== undefined; at = waiting.shift()) {
        const i = programs.indexOf(at);
        this.prepare(at);
        this.programs[i] = await this.bpf.callInThread(Command.BPF_PROG_LOAD);
      }
    };
    const inFlight = Array.from({ length: Math.min(availableParallelism(), 4) }, next);
    const cheap = programs.every((at, i) => dear.includes(at) || this.loadOne(at, i));
    await Promise.all(inFlight);
    // One that failed in a thread is tried once more: that may have been a signal.
    return cheap && this.loadRest();
  }

  private bind(at: number, program: number): boolean {
    const { bpf } = this;
    const { words } = this.image;
    const bound = words[at + ProgramWord.bound]! / 4;
    for (let i = 0; i < words[at + ProgramWord.boundCount]!; i++) {
      bpf.clear();
      bpf.words[PROG_BIND_MAP.prog_fd[0] / 4] = program;
      bpf.words[PROG_BIND_MAP.map_fd[0] / 4] = this.maps[words[bound + i]!]!;
      const result = bpf.call(Command.BPF_PROG_BIND_MAP);
      if (result < 0 && result !== -Errno.EEXIST) return false;
    }
    return true;
  }

  /** The path is written already. */
  private pinOne(fd: number): boolean {
    this.bpf.words[OBJ.bpf_fd[0] / 4] = fd;
    return this.bpf.call(Command.BPF_OBJ_PIN) >= 0;
  }
}

/** The path of a pin as the kernel wants it, written over for each. */
class PinPath {
  private readonly bytes = Buffer.alloc(4096 + 256);
  readonly address = addressNumber(this.bytes);
  private directory: string | undefined;
  private length = 0;

  constructor(private readonly image: Uint8Array) {}

  set(directory: string, name: number, size: number): void {
    if (directory !== this.directory) {
      this.directory = directory;
      this.length = this.bytes.write(directory, 0, 4096);
    }
    this.bytes.set(this.image.subarray(name, name + Math.min(size, 256)), this.length);
  }
}

function since(start: bigint): number {
  return Number((process.hrtime.bigint() - start) / 1000n);
}
