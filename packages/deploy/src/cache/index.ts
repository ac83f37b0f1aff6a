export { refuseSharedFolder, writeByRename } from './private-folder';
export { RelocationCache, type CacheAnswer } from './relocation-cache';
