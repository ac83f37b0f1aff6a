import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { type Feature, type Trial } from './feature';
import { loadFile, type Collection, type HookName, type HookOptions } from './loader';
import { inOwnCgroup, inOwnNetwork, sendToSelf } from './surroundings';

/** What happens in the kernel so that a hook's program runs. */
const startAProcess = () => void spawnSync('true');

export const attachFeatures: readonly Feature[] = [
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
