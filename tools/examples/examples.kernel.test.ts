import { execSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, test } from 'vitest';
import {
  AttachType,
  attachXdp,
  closeFd,
  findMount,
  loadFile,
  loadObject,
  mount,
  objectKind,
  openPath,
  ProgramType,
  relocateObject,
  runningKernel,
} from '@nx-bpf/loader';
import { Mount, Namespace, setNamespace, unmount, unshare } from '../../packages/loader/src/kernel';
import { kernelSuite } from '../testing/kernel';
import { sharingSocket } from '../testing/sockets';
import { tinyProgram, type TinyProgram } from '../testing/tiny-program';
import { compileTraced } from '../testing/user-binary';
import { documented, packages, repository } from './collect';
import { edgeObject, pureValues, type KernelValues, type PureValues } from './prelude';
import { run } from './run';
import { whereItRuns } from './where-it-runs';

const cgroupSkb: TinyProgram = {
  type: ProgramType.cgroup_skb,
  attachType: AttachType.cgroup_inet_egress,
  returns: 1,
};
/** What `program` is in the examples of some hooks; elsewhere it is for xdp. */
const programs: Readonly<Record<string, TinyProgram>> = {
  attach: { type: ProgramType.sched_cls },
  'Program.attach': cgroupSkb,
  attachCgroup: cgroupSkb,
  attachTcx: { type: ProgramType.sched_cls },
  attachTc: { type: ProgramType.sched_cls },
  TcFilter: { type: ProgramType.sched_cls },
  attachLwt: { type: ProgramType.lwt_out },
  LwtRoute: { type: ProgramType.lwt_out },
  tcxPrograms: { type: ProgramType.sched_cls },
  attachPerfEvent: { type: ProgramType.perf_event },
  attachRawTracepoint: { type: ProgramType.raw_tracepoint },
  attachTpBtf: {
    type: ProgramType.tracing,
    attachType: AttachType.trace_raw_tp,
    tracepoint: 'sched_process_exec',
  },
  attachTracepoint: { type: ProgramType.tracepoint },
  attachUprobe: { type: ProgramType.kprobe },
  attachUretprobe: { type: ProgramType.kprobe },
  attachUprobeMulti: { type: ProgramType.kprobe, attachType: AttachType.trace_uprobe_multi },
  attachUretprobeMulti: { type: ProgramType.kprobe, attachType: AttachType.trace_uprobe_multi },
  attachUsdt: { type: ProgramType.kprobe, attachType: AttachType.trace_uprobe_multi },
  UsdtLink: { type: ProgramType.kprobe, attachType: AttachType.trace_uprobe_multi },
  attachUprobeSession: { type: ProgramType.kprobe, attachType: AttachType.trace_uprobe_session },
  attachNetfilter: { type: ProgramType.netfilter, attachType: AttachType.netfilter, returns: 1 },
  attachFlowDissector: { type: ProgramType.flow_dissector, attachType: AttachType.flow_dissector },
  attachSocketFilter: { type: ProgramType.socket_filter },
  socketFd: { type: ProgramType.socket_filter },
  SocketAttachment: { type: ProgramType.socket_filter },
  attachSkReuseport: {
    type: ProgramType.sk_reuseport,
    attachType: AttachType.sk_reuseport_select,
    returns: 1,
  },
  attachSkLookup: { type: ProgramType.sk_lookup, attachType: AttachType.sk_lookup, returns: 1 },
};
const xdp: TinyProgram = { type: ProgramType.xdp, returns: 2 };

kernelSuite('examples of public docstrings', (kernel) => {
  const home = { directory: process.cwd(), network: -1, cgroup: '' };
  let pure: PureValues;

  beforeAll(() => {
    const bytes = edgeObject();
    writeFileSync(path.join(kernel.directory, 'edge.bpf.o'), bytes);
    compileTraced(path.join(kernel.directory, 'traced'));
    const congestion = readFileSync(path.join(repository, 'tools/examples/congestion.bpf.c'), 'utf8');
    kernel.compile(congestion, { name: 'congestion' });
    pure = pureValues(bytes);
    process.chdir(kernel.directory);
    home.network = openPath('/proc/thread-self/ns/net');
    unshare(Namespace.NETWORK);
    execSync(
      'ip netns add edge && ip link add eth0 type veth peer name veth0 netns edge && ip link set eth0 up',
    );
    execSync('ip link set lo up && ip link add eth1 type veth peer name peer1');
    // What the suite sees of the cgroups is one of its own, with those of the examples in it.
    home.cgroup = mkdtempSync(path.join(findMount('cgroup2')!, 'nx-bpf-test-'));
    mkdirSync(path.join(home.cgroup, 'agent/workers'), { recursive: true });
    mount({ source: home.cgroup, target: findMount('cgroup2')!, flags: Mount.BIND });
  });

  afterAll(() => {
    unmount(findMount('cgroup2')!);
    for (const cgroup of ['agent/workers', 'agent', '']) rmdirSync(path.join(home.cgroup, cgroup));
    execSync('ip netns del edge');
    setNamespace(home.network, Namespace.NETWORK);
    closeFd(home.network);
    process.chdir(home.directory);
  });

  // The pins of examples, where people have them; the suite's mount namespace keeps them to itself.
  beforeEach(() => mount({ type: 'bpf', target: '/sys/fs/bpf' }));

  afterEach(() => {
    unmount('/sys/fs/bpf');
    // Examples, and the values given to them, need not close what they open.
    for (const fd of openObjects()) closeFd(fd);
  });

  for (const subject of packages.flatMap(documented).filter((subject) => whereItRuns(subject) === 'kernel')) {
    test(`${subject.name} does what it says`, async () => {
      const values = kernelValues(pure, programs[subject.name]);
      try {
        await run(subject, { ...pure, ...values });
      } finally {
        values.collection.close(); // not only its fds: data sections are mapped
        values.socket.close();
      }
    });
  }
});

function kernelValues(pure: PureValues, tiny = xdp): KernelValues {
  const loaded = loadObject(relocateObject(pure.spec, runningKernel()));
  const collection = loadFile('edge.bpf.o');
  const program = tinyProgram(tiny);
  program.pin('/sys/fs/bpf/guard');
  collection.map('hits').pin('/sys/fs/bpf/hits');
  return {
    ...{ loaded, collection, program },
    newProgram: tinyProgram(tiny),
    map: collection.map('hits'),
    events: collection.map('events'),
    mapFd: loaded.map('hits').fd.number,
    programFd: loaded.program('edge_guard').fd.number,
    // `eth0` is left to the example.
    link: attachXdp(tinyProgram(xdp), { interface: 'eth1' }),
    socket: sharingSocket(0),
  };
}

/** Fds of programs, maps, links and BTF in this process. */
function openObjects(): number[] {
  return readdirSync('/proc/self/fd')
    .map(Number)
    .filter((fd) => {
      try {
        return objectKind(fd) !== undefined;
      } catch {
        return false; // the directory that was being read
      }
    });
}
