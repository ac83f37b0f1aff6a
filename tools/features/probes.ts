import { type Feature } from './feature';
import { BpfError, features, hasFeature } from './loader';

/** The loader's own questions to the kernel: each answer must be what the version says that it claims. */
export const probeFeatures: readonly Feature[] = Object.values(features).map((probed) => ({
  name: probed.name,
  group: 'Probes',
  since: probed.since,
  use: () => {
    const verdict = hasFeature(probed);
    if (verdict === undefined) throw new Error('the probe has no answer');
    if (!verdict) throw new BpfError('SYSCALL_FAILED', `the kernel refuses ${probed.name}`);
  },
}));
