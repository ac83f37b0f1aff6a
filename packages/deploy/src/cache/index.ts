export { RelocationCache, type CacheAnswer, type Circumstances, type Relocation } from './relocation-cache';
export { type Recall, type Recalled, type Selection } from './recall';
export { RememberedManifests } from './remembered-manifest';
