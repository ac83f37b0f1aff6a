import { BtfBuilder, IntEncoding, Linkage } from '../../btf';
import { TOKEN_CREATE } from '../attributes';
import { bpfCall } from '../bpf';
import { Errno } from '../errno';
import { btfLoad } from '../objects';
import { linkCreate } from '../links';
import { mapCreate } from '../maps';
import { programBindMap, programLoad, type ProgramLoadAttributes } from '../programs';
import { BpfError } from '../../errors';
import { type Feature, verdictOf, withFd } from './feature';

/** `enum bpf_prog_type` and `enum bpf_map_type` of what probes load. */
const SOCKET_FILTER = 1;
const KPROBE = 2;
const TRACEPOINT = 5;
const CGROUP_SOCK = 9;
const ARRAY = 2;
/** `enum bpf_attach_type`. */
const CGROUP_INET_SOCK_CREATE = 2;
const PERF_EVENT = 41;
const TRACE_UPROBE_MULTI = 48;

const BPF_F_MMAPABLE = 1 << 10;

/** Instructions as 8 bytes each, little endian. */
function code(...instructions: readonly (readonly number[])[]): Uint8Array {
  return Uint8Array.from(instructions.flat());
}
function int32(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, (value >>> 24) & 0xff];
}
const zeroR0 = [0xb7, 0, 0, 0, ...int32(0)];
const oneR0 = [0xb7, 0, 0, 0, ...int32(1)];
const exit = [0x95, 0, 0, 0, ...int32(0)];
const call = (helper: number) => [0x85, 0, 0, 0, ...int32(helper)];
/** r1 = address of a map's value plus an offset. */
const mapValue = (fd: number, offset: number) => [
  0x18,
  0x21,
  0,
  0,
  ...int32(fd),
  0,
  0,
  0,
  0,
  ...int32(offset),
];

function load(type: number, instructions: Uint8Array, more: ProgramLoadAttributes = {}): number {
  return programLoad({
    prog_type: type,
    insns: instructions,
    insn_cnt: instructions.length / 8,
    license: 'GPL',
    ...more,
  }).result;
}

function programFeature(name: string, since: string, attempt: () => number): Feature {
  return { name, since, probe: () => verdictOf(attempt()) };
}

function smallArray(flags = 0): number {
  return mapCreate({ map_type: ARRAY, key_size: 4, value_size: 32, max_entries: 1, map_flags: flags });
}

/** Loads a program that takes the address of a byte of a map. */
function addressProbe(offset: number, judge: (log: string, result: number) => boolean | undefined) {
  return () =>
    withFd(smallArray(), (map) => {
      const log = Buffer.alloc(4096);
      const result = load(SOCKET_FILTER, code(mapValue(map, offset), zeroR0, exit), {
        log_level: 1,
        log_size: log.length,
        log_buf: log,
      });
      return judge(log.toString('latin1', 0, log.indexOf(0)), result);
    });
}

/** BTF ids of the functions in {@link taggedTypes}. */
const tagged = { main: 4, subprogram: 6 };

/** Types of a program and a global function, whose parameter a tag says to be the context. */
function taggedTypes(): number {
  const builder = new BtfBuilder();
  const int = builder.int('int', 4, IntEncoding.SIGNED);
  const pointer = builder.pointer(0);
  for (const name of ['main', 'subprogram']) {
    builder.func(name, builder.funcProto(int, [{ name: 'context', type: pointer }]), Linkage.GLOBAL);
  }
  builder.declTag('arg:ctx', tagged.subprogram, 0);
  return btfLoad(builder.build());
}

/** A program with a function that asks bpf_get_func_ip() for what only a context tells. */
function loadTagged(btf: number): boolean | undefined {
  const toSubprogram = [0x85, 0x10, 0, 0, ...int32(1)];
  return verdictOf(
    load(KPROBE, code(toSubprogram, exit, call(173), exit), {
      prog_btf_fd: btf,
      func_info: new Uint8Array(Uint32Array.of(0, tagged.main, 2, tagged.subprogram).buffer),
      func_info_rec_size: 8,
      func_info_cnt: 2,
    }),
  );
}

/** What kernels know of programs, maps and links. */
export const programFeatures = {
  names: programFeature('names of programs and maps', '4.15', () =>
    load(SOCKET_FILTER, code(zeroR0, exit), { prog_name: 'nx_probe' }),
  ),
  globalData: {
    name: 'addresses inside the value of a map',
    since: '5.2',
    probe: addressProbe(16, (_, result) => verdictOf(result)),
  },
  /** Up to then an offset in an instruction was bounded to 512 MiB, whatever the map. */
  fullRangeOffset: {
    name: 'addresses anywhere in a map',
    since: '7.0',
    probe: addressProbe(1 << 30, (log, result) => {
      if (result === -Errno.EPERM) return undefined;
      return !/direct value offset of \d+ is not allowed/.test(log);
    }),
  },
  mappableArrays: {
    name: 'arrays that can be mapped into memory',
    since: '5.5',
    probe: () => verdictOf(smallArray(BPF_F_MMAPABLE)),
  },
  expectedAttachType: programFeature('expected attach types', '4.17', () =>
    load(CGROUP_SOCK, code(oneR0, exit), { expected_attach_type: CGROUP_INET_SOCK_CREATE }),
  ),
  /** bpf_probe_read_kernel() and its three siblings, helpers 112 to 115. */
  probeReadKernel: programFeature('bpf_probe_read_kernel()', '5.5', () =>
    load(
      TRACEPOINT,
      code(
        [0xbf, 0xa1, 0, 0, ...int32(0)], // r1 = r10
        [0x07, 0x01, 0, 0, ...int32(-8)], // r1 += -8
        [0xb7, 0x02, 0, 0, ...int32(8)], // r2 = 8
        [0xb7, 0x03, 0, 0, ...int32(0)], // r3 = 0
        call(113),
        exit,
      ),
    ),
  ),
  /** The context of a program of whatever type, in a parameter of type `void *` (94e1c70a3452). */
  contextArguments: {
    name: 'parameters of functions tagged as the context (arg:ctx)',
    since: '6.8',
    probe: () => withFd(taggedTypes(), loadTagged),
  },
  /** Tells from when on memory is charged to the cgroup: bpf_ktime_get_coarse_ns() came with that. */
  cgroupAccounting: programFeature('memory charged to cgroups', '5.11', () =>
    load(SOCKET_FILTER, code(call(160), exit)),
  ),
  /** bpf_get_attach_cookie(). */
  cookie: programFeature('cookies of perf event links', '5.15', () =>
    load(TRACEPOINT, code(call(174), exit)),
  ),
  tokens: {
    name: 'BPF tokens',
    since: '6.9',
    probe: () => {
      // A kernel with tokens gets as far as looking at the directory, which is not there.
      const { result } = bpfCall('BPF_TOKEN_CREATE', TOKEN_CREATE, { bpffs_fd: 0xffffffff });
      return result === -Errno.EBADF ? true : verdictOf(result);
    },
  },
  boundMaps: {
    name: 'maps bound to programs',
    since: '5.10',
    probe: () =>
      withFd(load(SOCKET_FILTER, code(zeroR0, exit)), (program) =>
        withFd(smallArray(), (map) => {
          try {
            programBindMap(program, map);
            return true;
          } catch (error) {
            if (!(error instanceof BpfError)) throw error;
            return error.fields.errno === 'EINVAL' ? false : undefined;
          }
        }),
      ),
  },
  boundAtLoad: {
    name: 'maps bound to programs while they are loaded (fd_array_cnt)',
    since: '6.14',
    probe: () =>
      withFd(smallArray(), (map) =>
        verdictOf(
          load(SOCKET_FILTER, code(zeroR0, exit), {
            fd_array: new Uint8Array(Int32Array.of(map).buffer),
            fd_array_cnt: 1,
          }),
        ),
      ),
  },
  perfLinks: {
    name: 'links of perf events',
    since: '5.15',
    probe: () =>
      withFd(load(TRACEPOINT, code(zeroR0, exit)), (program) => {
        // A kernel with such links gets as far as looking at the perf event, which is not there.
        const result = linkCreate({ prog_fd: program, target: 0xffffffff, attach_type: PERF_EVENT });
        return result === -Errno.EBADF ? true : verdictOf(result);
      }),
  },
  uprobeMulti: {
    name: 'links of many uprobes',
    since: '6.6',
    probe: () => {
      const program = load(KPROBE, code(zeroR0, exit), { expected_attach_type: TRACE_UPROBE_MULTI });
      return withFd(program, (fd) => {
        const uprobes = { path: '/', offsets: new Uint8Array(8), cnt: 1 };
        const common = { prog_fd: fd, attach_type: TRACE_UPROBE_MULTI };
        // Programs load on older kernels too. One with such links finds that the directory is no file.
        const result = linkCreate(common, 'uprobe_multi', uprobes);
        return result === -Errno.EBADF ? true : verdictOf(result);
      });
    },
  },
} satisfies Readonly<Record<string, Feature>>;
