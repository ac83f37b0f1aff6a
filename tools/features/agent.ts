import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { type Feature } from './feature';
import { loadFile, RingBuffer, type Collection } from './loader';
import { inOwnCgroup, inOwnNetwork, sendToSelf } from './surroundings';

/** The three programs of the example, attached, and what they are for. */
export const agentFeatures: readonly Feature[] = [
  {
    name: 'edge_guard drops what is blocked',
    group: 'Agent',
    since: '5.15',
    use: (trial) =>
      inOwnNetwork(() =>
        using(loadFile(trial.object('edge'), { constants: { sample_rate: 1 } }), async (edge) => {
          edge.attach('edge_guard', 'xdp', { interface: 'lo' });
          assert.equal(await sendToSelf(), true, 'a packet passes');
          edge.map('blocklist').update({ prefixlen: 8, address: [127, 0, 0, 0] }, 1);
          assert.equal(await sendToSelf(), false, 'a packet from a blocked network does not');
          const samples = new RingBuffer<{ verdict: number }>(edge.map('samples'), { type: 'packet_sample' });
          const verdicts = [...samples.drain()].map(({ verdict }) => verdict);
          samples.close();
          assert.deepEqual([verdicts[0], verdicts.at(-1)], [0, 1], 'both are sampled');
        }),
      ),
  },
  {
    name: 'exec_monitor reports a process',
    group: 'Agent',
    since: '5.15',
    use: (trial) =>
      using(loadFile(trial.object('exec')), (exec) => {
        exec.attach('exec_monitor', 'tp_btf', {});
        const { pid } = spawnSync('true');
        const events = new RingBuffer<{ pid: number; parent_pid: number; command: string; file: string }>(
          exec.map('events'),
          { type: 'exec_event' },
        );
        const event = [...events.drain()].find((candidate) => candidate.pid === pid);
        events.close();
        assert.equal(event?.command, 'true');
        assert.match(event.file, /\/true$/);
        assert.equal(event.parent_pid, process.pid);
      }),
  },
  {
    name: 'egress_account counts a cgroup',
    group: 'Agent',
    since: '5.15',
    use: (trial) =>
      inOwnCgroup((path) =>
        using(loadFile(trial.object('egress'), { constants: { count_loopback: true } }), async (egress) => {
          egress.attach('egress_account', 'cgroup', { path });
          await sendToSelf();
          const traffic = egress.map<number, { packets: number; bytes: number }>('egress_by_cgroup');
          const id = statSync(path).ino;
          assert.equal(Number(traffic.lookup(id)?.packets), 1, `packets of cgroup ${id}`);
        }),
      ),
  },
];

async function using(
  collection: Collection,
  use: (collection: Collection) => void | Promise<void>,
): Promise<void> {
  try {
    await use(collection);
  } finally {
    collection.close();
  }
}
