export { apply, type ApplyInput, type ApplyResult } from './apply';
export { destroy } from './destroy';
export { planProject } from './plan-project';
export { status, type Status } from './status';
export { rawLoad, type RawLoad, type RawLoadOptions } from './raw-load';
export { rawUnload, type RawUnload } from './raw-unload';
