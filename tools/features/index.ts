import { readdirSync } from 'node:fs';
import path from 'node:path';
import { agentFeatures } from './agent';
import { attachFeatures } from './attach';
import { cgroupPointFeatures } from './cgroup-points';
import { corpusFeatures } from './corpus';
import { kernelIsAtLeast, type Feature, type Trial } from './feature';
import { kprobeFeatures } from './kprobes';
import { networkFeatures } from './network';
import { probeFeatures } from './probes';
import { programFeatures } from './programs';
import { runtimeFeatures } from './runtime';
import { uprobeFeatures } from './uprobes';

export { tryFeature, type Feature, type Result, type Trial } from './feature';

const ending = '.bpf.o';
/** Objects that are not of the corpus: features of their own use them. */
const ours = new Set([
  'cgroup-points',
  'congestion',
  'edge',
  'egress',
  'exec',
  'hooks',
  'marked',
  'network',
  'probes',
  'uprobes',
]);

/** Every feature, in the order of the table. @param objects the directory of the compiled objects */
export function features(objects: string): readonly Feature[] {
  const names = readdirSync(objects)
    .filter((file) => file.endsWith(ending))
    .map((file) => file.slice(0, -ending.length));
  const corpus = names.filter((name) => !ours.has(name)).sort();
  return [
    ...runtimeFeatures,
    ...probeFeatures,
    ...attachFeatures,
    ...networkFeatures,
    ...cgroupPointFeatures,
    ...kprobeFeatures,
    ...uprobeFeatures,
    ...programFeatures,
    ...agentFeatures,
    ...corpusFeatures(corpus),
  ];
}

export function trialWith(objects: string, bpffs: string): Trial {
  return { bpffs, object: (name) => path.join(objects, `${name}${ending}`), atLeast: kernelIsAtLeast };
}
