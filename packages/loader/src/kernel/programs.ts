import { PROG_BIND_MAP, PROG_LOAD, PROG_QUERY, TEST_RUN } from './attributes';
import { bpfCall } from './bpf';
import { Command } from './commands';
import { Errno } from './errno';
import { failure, succeeded } from './failure';
import { decode, encode, type LayoutInput, type LayoutOutput } from './layout';
import { addressOf, native } from './native';

export type ProgramLoadAttributes = LayoutInput<typeof PROG_LOAD>;

/** What BPF_PROG_LOAD says. */
export interface ProgramLoadAnswer {
  /** The fd, or the negative error number. */
  readonly result: number;
  /** Bytes the whole log takes, NUL included; 0 from kernels before 6.4, and when no log was asked for. */
  readonly logTrueSize: number;
}

/** BPF_PROG_LOAD, once. Whoever loads a program knows what to make of a refusal. */
export function programLoad(attributes: ProgramLoadAttributes): ProgramLoadAnswer {
  const { result, attributes: answer } = bpfCall('BPF_PROG_LOAD', PROG_LOAD, attributes);
  return { result, logTrueSize: decode(PROG_LOAD, answer.bytes).log_true_size };
}

/**
 * BPF_PROG_LOAD in a thread of its own. The attributes and all that they point to are kept until it is over.
 *
 * @returns the fd, or -1: why it was refused is for a load here to find out
 */
export function programLoadInThread(attributes: ProgramLoadAttributes): Promise<number> {
  const { numbers, bpfAt } = native();
  const encoded = encode(PROG_LOAD, attributes);
  return new Promise((resolve, reject) => {
    const done = (error: unknown, result: number): void => {
      if (error === null) resolve(encoded.references.length > 0 && result >= 0 ? result : -1);
      else reject(error as Error);
    };
    const { bytes } = encoded;
    bpfAt.async(numbers.bpf, Command.BPF_PROG_LOAD, Number(addressOf(bytes)), bytes.length, done);
  });
}

/**
 * BPF_PROG_BIND_MAP (Linux 5.10): the map lives as long as the program, though no instruction refers to it.
 *
 * @example
 * ```ts
 * programBindMap(programFd, mapFd);
 * programInfo(programFd).mapIds.includes(mapInfo(mapFd).id); // true
 * ```
 */
export function programBindMap(program: number, map: number): void {
  const { result } = bpfCall('BPF_PROG_BIND_MAP', PROG_BIND_MAP, { prog_fd: program, map_fd: map });
  // EEXIST: an instruction refers to it already.
  if (result < 0 && result !== -Errno.EEXIST) throw failure('BPF_PROG_BIND_MAP', result);
}

/** What a test run is given. Buffers that the kernel writes to are made by the caller. */
export interface TestRunInput {
  readonly data?: Uint8Array | undefined;
  /** Receives the packet as the program left it; at least as long as the data, plus what the program may prepend. */
  readonly dataOut?: Uint8Array | undefined;
  /** `struct __sk_buff`, `struct xdp_md`, or the arguments of a raw tracepoint (8 bytes each). */
  readonly context?: Uint8Array | undefined;
  readonly contextOut?: Uint8Array | undefined;
  /** How often to run; 1 by default. */
  readonly repeat?: number | undefined;
  readonly flags?: number | undefined;
  readonly cpu?: number | undefined;
  /** Packets at once of XDP with BPF_F_TEST_XDP_LIVE_FRAMES. */
  readonly batchSize?: number | undefined;
}

/** Flags of BPF_PROG_TEST_RUN: `BPF_F_TEST_*`. */
export const TestRunFlag = { ON_CPU: 1, XDP_LIVE_FRAMES: 2 } as const;

export interface TestRunResult {
  /** Return value of the program, unsigned. */
  readonly returnValue: number;
  /** Bytes written to `dataOut` and `contextOut`. */
  readonly dataSize: number;
  readonly contextSize: number;
  /** Mean duration of a run, in nanoseconds. */
  readonly durationNs: number;
}

/**
 * BPF_PROG_TEST_RUN: run a loaded program once on data of one's own.
 *
 * @throws BpfError SYSCALL_FAILED; errno ENOTSUPP where the kernel can't run this type of program
 *
 * @example
 * ```ts
 * testRun(programFd, { data: new Uint8Array(64) }).returnValue; // 2, XDP_PASS
 * ```
 */
export function testRun(program: number, input: TestRunInput = {}): TestRunResult {
  const values: LayoutInput<typeof TEST_RUN> = {
    prog_fd: program,
    data_in: input.data,
    data_size_in: input.data?.byteLength,
    data_out: input.dataOut,
    data_size_out: input.dataOut?.byteLength,
    ctx_in: input.context,
    ctx_size_in: input.context?.byteLength,
    ctx_out: input.contextOut,
    ctx_size_out: input.contextOut?.byteLength,
    repeat: input.repeat,
    flags: input.flags,
    cpu: input.cpu,
    batch_size: input.batchSize,
  };
  for (;;) {
    const { result, attributes } = bpfCall('BPF_PROG_TEST_RUN', TEST_RUN, values);
    if (result === -Errno.EINTR) continue;
    succeeded(result, 'BPF_PROG_TEST_RUN', {
      needs: ['CAP_BPF'],
      ...(result === -Errno.ENOTSUPP && { hint: 'the kernel cannot run programs of this type on demand' }),
    });
    const out = decode(TEST_RUN, attributes.bytes);
    return {
      returnValue: out.retval,
      dataSize: out.data_size_out,
      contextSize: out.ctx_size_out,
      durationNs: out.duration,
    };
  }
}

/** BPF_PROG_QUERY, as is: result, and the attributes with counts and revision filled in. */
export function programQuery(attributes: LayoutInput<typeof PROG_QUERY>): {
  readonly result: number;
  readonly out: LayoutOutput<typeof PROG_QUERY>;
} {
  const answer = bpfCall('BPF_PROG_QUERY', PROG_QUERY, attributes);
  return { result: answer.result, out: decode(PROG_QUERY, answer.attributes.bytes) };
}
