import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type Feature, type Trial } from './feature';
import { makePair, sendTo } from './interface-pair';
import {
  BpfError,
  hookNames,
  loadFile,
  probeHook,
  runningKernelConfig,
  type Collection,
  type HookName,
  type HookOptions,
} from './loader';
import { inOwnCgroup, inOwnNetwork, sendToSelf } from './surroundings';

/** What happens in the kernel so that a hook's program runs. */
const startAProcess = () => void spawnSync('true');
const openAFile = () => void readFileSync('/proc/self/stat');
const touchMemory = () => void Buffer.alloc(16 << 20).fill(1);

/** What functions are entered through; arm64 has it since Linux 6.4. */
const trampolines = ['CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS'];

/** Programs of hooks.bpf.c whose section names say where they are to be attached, and the hook. */
const sayWhere: readonly (readonly [program: string, hook: HookName])[] = [
  ['on_tracepoint', 'tracepoint'],
  ['on_raw_tracepoint', 'raw_tracepoint'],
  ['on_tp_btf', 'tp_btf'],
  ['on_fentry', 'fentry'],
  ['on_fexit', 'fexit'],
  ['on_fmod_ret', 'fmod_ret'],
  ['on_lsm', 'lsm'],
];

export const attachFeatures: readonly Feature[] = [
  {
    name: 'what loads and what attaches, by trying each hook',
    group: 'Hooks',
    since: '5.15',
    use: expectProbes,
  },
  {
    name: 'xdp',
    group: 'Hooks',
    since: '5.9',
    use: (trial) =>
      inOwnNetwork(() => attached(trial, 'on_xdp', 'xdp', { interface: 'lo' }, () => sendToSelf())),
  },
  {
    name: 'tcx',
    group: 'Hooks',
    since: '6.6',
    use: (trial) =>
      inOwnNetwork(() => attached(trial, 'on_tcx', 'tcx', { interface: 'lo' }, () => sendToSelf())),
  },
  {
    name: 'tracepoint',
    group: 'Hooks',
    since: '5.15',
    use: (trial) => attached(trial, 'on_tracepoint', 'tracepoint', {}, startAProcess),
  },
  {
    name: 'raw_tracepoint',
    group: 'Hooks',
    since: '4.17',
    use: (trial) => attached(trial, 'on_raw_tracepoint', 'raw_tracepoint', {}, startAProcess),
  },
  {
    name: 'tp_btf',
    group: 'Hooks',
    since: '5.5',
    use: (trial) => attached(trial, 'on_tp_btf', 'tp_btf', {}, startAProcess),
  },
  {
    name: 'cgroup',
    group: 'Hooks',
    since: '5.7',
    use: (trial) =>
      inOwnCgroup((path) =>
        attached(trial, 'on_egress', 'cgroup', { path, type: 'cgroup_inet_egress' }, () => sendToSelf()),
      ),
  },
  {
    name: 'netkit',
    group: 'Hooks',
    since: '6.7',
    needs: ['CONFIG_NETKIT'],
    use: (trial) =>
      inOwnNetwork(() => {
        const other = makePair('netkit', 'pair', '10.98.0.1');
        // Without netkit the loader has to say so of any interface.
        return attached(
          trial,
          'on_netkit',
          'netkit',
          { interface: other === undefined ? 'lo' : 'pair' },
          () => sendTo('10.98.0.2'),
        );
      }),
  },
  {
    name: 'sk_lookup',
    group: 'Hooks',
    since: '5.9',
    use: (trial) => inOwnNetwork(() => attached(trial, 'on_sk_lookup', 'sk_lookup', {}, () => sendToSelf())),
  },
  {
    name: 'netfilter',
    group: 'Hooks',
    since: '6.4',
    needs: ['CONFIG_NETFILTER_BPF_LINK'],
    use: (trial) =>
      inOwnNetwork(() =>
        attached(trial, 'on_netfilter', 'netfilter', { family: 'ipv4', hook: 'local_in' }, () =>
          sendToSelf(),
        ),
      ),
  },
  {
    name: 'perf_event',
    group: 'Hooks',
    since: '5.15',
    needs: ['CONFIG_PERF_EVENTS'],
    use: (trial) =>
      attached(trial, 'on_perf_event', 'perf_event', { event: 'page-faults', pid: process.pid }, touchMemory),
  },
  {
    name: 'fentry',
    group: 'Hooks',
    since: '5.5',
    needs: trampolines,
    use: (trial) => attached(trial, 'on_fentry', 'fentry', {}, openAFile),
  },
  {
    name: 'fentry with a cookie',
    group: 'Hooks',
    since: '5.19',
    needs: trampolines,
    use: (trial) => attached(trial, 'on_fentry', 'fentry', { cookie: 7n }, openAFile),
  },
  {
    name: 'fexit',
    group: 'Hooks',
    since: '5.5',
    needs: trampolines,
    use: (trial) => attached(trial, 'on_fexit', 'fexit', {}, openAFile),
  },
  {
    name: 'fmod_ret',
    group: 'Hooks',
    since: '5.7',
    needs: trampolines,
    use: (trial) => attached(trial, 'on_fmod_ret', 'fmod_ret', {}, openAFile),
  },
  {
    name: 'lsm',
    group: 'Hooks',
    since: '5.7',
    needs: ['CONFIG_BPF_LSM', ...trampolines],
    use: (trial) => attached(trial, 'on_lsm', 'lsm', {}, openAFile),
  },
  {
    name: 'lsm_cgroup',
    group: 'Hooks',
    since: '6.0',
    needs: ['CONFIG_BPF_LSM', ...trampolines],
    use: (trial) =>
      inOwnCgroup(async (path) => {
        await attached(trial, 'on_lsm_cgroup', 'cgroup', { path }, () => sendToSelf());
        const denied = { code: 'EPERM' };
        await attached(trial, 'deny_sockets', 'cgroup', { path, type: 'lsm_cgroup' }, () =>
          assert.rejects(sendToSelf(), denied, 'no socket is made'),
        );
        assert.equal(await sendToSelf(), true, 'sockets are made again');
      }),
  },
  {
    name: 'attach by the section name',
    group: 'Hooks',
    since: '5.15',
    needs: ['CONFIG_BPF_LSM', ...trampolines],
    use: (trial) => {
      for (const [program, hook] of sayWhere) {
        const collection = loadFile(trial.object('hooks'), { programs: [program] });
        try {
          const [link] = collection.autoAttach().values();
          assert.match(link?.describe() ?? '', new RegExp(`^${hook} `));
          startAProcess();
          openAFile();
          assert.ok(runsOf(collection) > 0n, `${program} ran`);
        } finally {
          collection.close();
        }
      }
      const collection = loadFile(trial.object('hooks'), { programs: ['on_xdp', 'on_tcx', 'on_egress'] });
      assert.equal(collection.autoAttach().size, 0, 'these do not say where');
      collection.close();
    },
  },
  {
    name: 'update a link of xdp',
    group: 'Hooks',
    since: '5.9',
    use: (trial) =>
      inOwnNetwork(async () => {
        const collection = loadFile(trial.object('hooks'), { programs: ['on_xdp', 'drop_all'] });
        try {
          const link = collection.attach('on_xdp', 'xdp', { interface: 'lo' });
          assert.equal(await sendToSelf(), true, 'a packet passes');
          link.update(collection.program('drop_all'), collection.program('on_xdp'));
          assert.equal(await sendToSelf(), false, 'a packet is dropped');
        } finally {
          collection.close();
        }
      }),
  },
];

/** Attaches one program of hooks.bpf.c and looks whether what happens then runs it. */
async function attached<H extends HookName>(
  trial: Trial,
  program: string,
  hook: H,
  options: HookOptions[H],
  happen: () => unknown,
): Promise<void> {
  const collection = loadFile(trial.object('hooks'), { programs: [program] });
  try {
    const link = collection.attach(program, hook, options);
    await happen();
    const runs = runsOf(collection);
    assert.ok(runs > 0n, `${program} ran`);
    link.close();
  } finally {
    collection.close();
  }
}

function runsOf(collection: Collection): bigint {
  return BigInt(collection.variable<number | bigint>('runs').get());
}

/** Hooks whose programs load on kernels that do not attach them: the version that does, and what it is built with. */
const attachLater: readonly (readonly [hook: HookName, since: string, option?: string])[] = [
  ['tcx', '6.6'],
  ['netkit', '6.7', 'CONFIG_NETKIT'],
  ['kprobe_multi', '5.18', 'CONFIG_FPROBE'],
  ['kretprobe_multi', '5.18', 'CONFIG_FPROBE'],
  ['kprobe_session', '6.10', 'CONFIG_FPROBE'],
  ['uprobe_multi', '6.6'],
  ['uretprobe_multi', '6.6'],
  ['uprobe_session', '6.13'],
  ['sk_skb', '6.10'],
  ['sk_msg', '6.10'],
];

function expectProbes(trial: Trial): void {
  const config = runningKernelConfig();
  for (const [hook, since, option] of attachLater) {
    const built = option === undefined || config.get(option) === 'y';
    const { loads, attaches } = probeHook(hook);
    assert.deepEqual([hook, loads, attaches], [hook, true, trial.atLeast(since) && built]);
  }
  const netfilter = trial.atLeast('6.4') && config.get('CONFIG_NETFILTER_BPF_LINK') === 'y';
  assert.equal(probeHook('netfilter').attaches, netfilter);
  const others = hookNames.filter((name) => !attachLater.some(([later]) => later === name));
  const kprobes = config.get('CONFIG_KPROBE_EVENTS') === 'y';
  const trampolines = attachesFentry(trial);
  for (const hook of others.filter((name) => name !== 'netfilter')) {
    const built = throughTrampolines.includes(hook) ? trampolines : !ofKprobes.includes(hook) || kprobes;
    const { attaches, reason } = probeHook(hook);
    assert.equal(attaches, built, `${hook}: ${reason}`);
  }
}

const throughTrampolines: readonly HookName[] = ['fentry', 'fexit', 'fmod_ret', 'freplace', 'lsm'];
const ofKprobes: readonly HookName[] = ['kprobe', 'kretprobe', 'ksyscall', 'kretsyscall'];

/** Whether a program of a C file is attached to a function. */
function attachesFentry(trial: Trial): boolean {
  try {
    const collection = loadFile(trial.object('hooks'), { programs: ['on_fentry'] });
    collection.attach('on_fentry', 'fentry', {}).close();
    collection.close();
    return true;
  } catch (error) {
    if (error instanceof BpfError) return false;
    throw error;
  }
}
