import { btfFeatures } from './btf-features';
import { programFeatures } from './program-features';

export { hasFeature, type Feature } from './feature';
export { hasMapType } from './map-types';
export { hasProgramType } from './program-types';

/** Everything that can be asked of a kernel. */
export const features = { ...btfFeatures, ...programFeatures };
