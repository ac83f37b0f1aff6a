import assert from 'node:assert/strict';
import { cgroupActions, neverRefuse } from '../testing/cgroup-actions';
import { type Feature, type Trial } from './feature';
import { cgroupTypes, loadFile } from './loader';
import { inOwnCgroup, inOwnNetwork } from './surroundings';

const isOfUnix = (label: string): boolean => label.endsWith('_unix');
const labels = cgroupTypes.map(({ label }) => label).filter((label) => label in cgroupActions);

/** Every attach point of a cgroup: those of Unix sockets are the newest. */
export const cgroupPointFeatures: readonly Feature[] = [
  {
    name: 'cgroup, every attach point but those of Unix sockets',
    group: 'Hooks',
    since: '5.9',
    use: (trial) => eachDecides(trial, (label) => !isOfUnix(label)),
  },
  {
    name: 'cgroup, every attach point of Unix sockets',
    group: 'Hooks',
    since: '6.7',
    use: (trial) => eachDecides(trial, isOfUnix),
  },
];

/** Attaches a program to each, lets it allow what it is asked about, and refuse it where it can. */
async function eachDecides(trial: Trial, wanted: (label: string) => boolean): Promise<void> {
  for (const label of labels.filter(wanted)) {
    const loaded = loadFile(trial.object('cgroup-points'), { programs: [label] });
    const act = cgroupActions[label]!;
    try {
      await inOwnNetwork(() =>
        inOwnCgroup(async (path) => {
          const link = loaded.attach(label, 'cgroup', { path });
          assert.equal(await act(), true, `${label}: allowed`);
          assert.ok(Number(loaded.variable('runs').get()) > 0, `${label}: ran`);
          if (!neverRefuse.has(label)) {
            loaded.variable('allowed').set(0);
            assert.equal(await act(), false, `${label}: refused`);
          }
          link.close();
          assert.equal(await act(), true, `${label}: after it is closed`);
        }),
      );
    } finally {
      loaded.close();
    }
  }
}
