export { relocateFunction, type RelocatedFunction } from './relocate-function';
export { poison } from './patch';
export { CoreResolver } from './resolve';
export { typesCompatible } from './compatible';
export { coreKind } from './kinds';
