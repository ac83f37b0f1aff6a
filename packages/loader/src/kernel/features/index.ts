import { btfFeatures } from './btf-features';
import { programFeatures } from './program-features';

export { hasFeature, type Feature } from './feature';

/** Everything that can be asked of a kernel. */
export const features = { ...btfFeatures, ...programFeatures };
