import {
  attach,
  autoAttach,
  type AttachableProgram,
  type Attachment,
  type HookName,
  type HookOptions,
  type HookResults,
} from '../attach';
import {
  enableRunTimeStats,
  Fd,
  fdById,
  fdInfoLine,
  lookAtNew,
  openPin,
  pinObject,
  programInfo,
  testRun,
  TestRunFlag,
  type ProgramInfo,
} from '../kernel';
import { preparePin } from '../load';
import { ProgramType } from '../object';
import { dumpProgram, type DumpedInstruction } from './program-dump';

/** What a program is besides its fd. All but the name and type are known only to who loaded it. */
export interface ProgramIdentity {
  /** The function's full name; the kernel keeps 15 bytes of it. */
  readonly name?: string | undefined;
  readonly attachType?: number | undefined;
  /** Its section name in the object, without a leading '?'. */
  readonly section?: string | undefined;
  readonly target?: string | undefined;
}

/** What a program is run on: see {@link Program.testRun}. */
export interface TestRun {
  /** A packet, from its Ethernet header on; at least 14 bytes. */
  readonly data?: Uint8Array | undefined;
  /** `struct xdp_md` or `struct __sk_buff`, or the arguments of a raw tracepoint as bigints. */
  readonly context?: Uint8Array | readonly bigint[] | undefined;
  /** How often to run it, for `durationNs`; once by default. */
  readonly repeat?: number | undefined;
  /** The CPU to run on: raw tracepoints only. */
  readonly cpu?: number | undefined;
  /**
   * XDP (Linux 5.18): what the program says is done. Packets that it passes go up the stack of the context's interface
   * (`ingress_ifindex`; the loopback without one), those it redirects or sends back go out. No data come back.
   */
  readonly liveFrames?: boolean | undefined;
  /** Packets at once of `liveFrames`: 64 by default, 256 at most. */
  readonly batchSize?: number | undefined;
  readonly flags?: number | undefined;
}

export interface TestRunOutcome {
  /** What the program returned, unsigned. */
  readonly returnValue: number;
  /** The packet as the program left it; empty when none was given. */
  readonly data: Uint8Array;
  /** The context as the program left it; empty when none was given. */
  readonly context: Uint8Array;
  /** Mean duration of a run. */
  readonly durationNs: number;
}

/** XDP_PACKET_HEADROOM: a program can grow a packet by this much at its front, and by less at its end. */
const headroom = 256;

/**
 * A program in the kernel. It lives as long as an fd, a pin, a link or a prog array holds it.
 *
 * @example
 * ```ts
 * const program = Program.open('/sys/fs/bpf/guard');
 * program.testRun({ data: new Uint8Array(64) }).returnValue; // 2, XDP_PASS
 * const link = program.attach('xdp', { interface: 'eth0' });
 * ```
 */
export class Program implements AttachableProgram, Disposable {
  readonly id: number;
  readonly name: string;
  /** `enum bpf_prog_type`. */
  readonly type: number;
  /** 16 hex digits: the kernel's hash of the instructions, which does not see maps and offsets. */
  readonly tag: string;
  readonly attachType: number | undefined;
  readonly section: string | undefined;
  readonly target: string | undefined;
  private readonly owned: Fd;

  /** @param fd is owned by the new object, and closed if it is no program */
  constructor(fd: number, identity: ProgramIdentity = {}) {
    const info = lookAtNew(fd, programInfo);
    this.id = info.id;
    this.name = identity.name ?? info.name;
    this.type = info.type;
    this.tag = info.tag;
    this.attachType = identity.attachType;
    this.section = identity.section;
    this.target = identity.target;
    this.owned = new Fd(fd, `program '${this.name}'`);
  }

  /**
   * The program pinned at a path.
   *
   * @throws BpfError PIN_NOT_FOUND, PIN_INVALID when something else is pinned there
   */
  static open(path: string): Program {
    return new Program(openPin(path, 'program'));
  }

  /**
   * The program with a number.
   *
   * @returns undefined if there is none (any more)
   * @throws BpfError PRIVILEGE_MISSING without CAP_SYS_ADMIN
   */
  static byId(id: number): Program | undefined {
    const fd = fdById('program', id);
    return fd === undefined ? undefined : new Program(fd);
  }

  /** @throws BpfError INTERNAL after close() */
  get fd(): number {
    return this.owned.number;
  }

  /** What the kernel says about it now: sizes, maps, run counts. */
  info(): ProgramInfo {
    return programInfo(this.fd);
  }

  /** Bytes of kernel memory that it takes. */
  get memlock(): number {
    return Number(fdInfoLine(this.fd, 'memlock') ?? 0);
  }

  /** How often it ran, and for how long; counted only while {@link countRuns} says so. */
  statistics(): RunStatistics {
    const { runTimeNs, runCount, recursionMisses } = this.info();
    return { runTimeNs, runCount, recursionMisses };
  }

  /**
   * Its instructions as the verifier left them, with the names of maps, functions, helpers and kfuncs, and the lines of
   * C where they begin. Empty where this process may not see them.
   *
   * @example
   * ```ts
   * for (const { insn, text, source } of program.dump()) {
   *   if (source !== undefined) console.log(`; ${source.file}:${source.line}: ${source.text}`);
   *   console.log(`${insn}: ${text}`);
   * }
   * ```
   */
  dump(): DumpedInstruction[] {
    return dumpProgram(this.fd, this.name);
  }

  /**
   * Run the program once on given data (BPF_PROG_TEST_RUN), without any hook. Works for XDP, tc, raw tracepoints and a
   * few more; others cannot be run on demand.
   *
   * @throws BpfError SYSCALL_FAILED: EINVAL for data that the type does not take, ENOTSUPP for a type that can't run
   *
   * @example
   * ```ts
   * program.testRun({ data: new Uint8Array(64), repeat: 1000 }).durationNs; // such as 38
   * ```
   */
  testRun(input: TestRun = {}): TestRunOutcome {
    const context = input.context instanceof Uint8Array ? input.context : rawArguments(input.context);
    const live = input.liveFrames === true;
    const dataOut = new Uint8Array(input.data === undefined || live ? 0 : input.data.length + 2 * headroom);
    // A raw tracepoint's arguments are only read, a syscall program's context is written in place: for these two the
    // kernel refuses room for a context to come back.
    const inPlace = this.type === ProgramType.syscall;
    const comesBack = input.context instanceof Uint8Array && !inPlace && !live;
    const given = inPlace ? context?.slice() : context;
    const contextOut = new Uint8Array(comesBack ? context!.length : 0);
    const result = testRun(this.fd, {
      data: input.data,
      dataOut,
      context: given,
      contextOut,
      repeat: input.repeat,
      cpu: input.cpu,
      flags:
        (input.flags ?? 0) |
        (input.cpu === undefined ? 0 : TestRunFlag.ON_CPU) |
        (live ? TestRunFlag.XDP_LIVE_FRAMES : 0),
      batchSize: input.batchSize,
    });
    return {
      returnValue: result.returnValue,
      data: dataOut.subarray(0, result.dataSize),
      context: inPlace
        ? (given ?? contextOut)
        : contextOut.subarray(0, Math.min(result.contextSize, contextOut.length)),
      durationNs: result.durationNs,
    };
  }

  /**
   * Attach it to a hook; see the function of each hook for its options and errors.
   *
   * @example
   * ```ts
   * program.attach('cgroup', { path: 'agent' });
   * ```
   */
  attach<H extends HookName>(hook: H, options: HookOptions[H]): HookResults[H] {
    return attach(this, hook, options);
  }

  /**
   * Attach it to the place that its section name says.
   *
   * @returns undefined where it says none; programs that come from a pin or an id have no section name
   * @throws BpfError as the hook's own function does
   *
   * @example
   * ```ts
   * program.autoAttach()?.pin('/sys/fs/bpf/probe-link');
   * ```
   */
  autoAttach(): Attachment | undefined {
    return autoAttach(this);
  }

  /**
   * Let it live on beyond this process. The pin's directory is made if need be.
   *
   * @throws BpfError PIN_EXISTS, PIN_INVALID, NO_BPFFS, PIN_FAILED
   */
  pin(path: string): void {
    preparePin(path);
    pinObject(this.fd, `program '${this.name}'`, path);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Give up the fd. Links keep the program; closing twice is harmless. */
  close(): void {
    this.owned.close();
  }
}

/** What the kernel counted of a program. */
export interface RunStatistics {
  readonly runTimeNs: bigint;
  readonly runCount: bigint;
  /** Runs that were left out because the program ran on that CPU already (Linux 5.12). */
  readonly recursionMisses: bigint;
}

/**
 * Let the kernel count the runs of all programs (Linux 5.8), which costs each run some 20 ns, until the returned object
 * is closed or its process ends.
 *
 * @throws BpfError PRIVILEGE_MISSING without CAP_SYS_ADMIN
 *
 * @example
 * ```ts
 * const counting = countRuns();
 * program.testRun({ data: new Uint8Array(64), repeat: 10 });
 * program.statistics().runCount; // 10n
 * counting.close();
 * ```
 */
export function countRuns(): Fd {
  return new Fd(enableRunTimeStats(), 'run-time statistics');
}

function rawArguments(values: readonly bigint[] | undefined): Uint8Array | undefined {
  return values && new Uint8Array(BigUint64Array.from(values, (value) => BigInt.asUintN(64, value)).buffer);
}
