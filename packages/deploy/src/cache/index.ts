export { RelocationCache, type CacheAnswer, type Circumstances, type Relocation } from './relocation-cache';
