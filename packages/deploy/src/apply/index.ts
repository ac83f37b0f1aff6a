export { apply, type ApplyInput, type ApplyResult } from './apply';
export { destroy } from './destroy';
export { planProject } from './plan-project';
export { repair, type RepairResult } from './repair';
export { rollback, type RollbackResult } from './rollback';
export { status, type Status } from './status';
export { rawLoad, type RawLoad, type RawLoadOptions } from './raw-load';
export { rawUnload, type RawUnload } from './raw-unload';
