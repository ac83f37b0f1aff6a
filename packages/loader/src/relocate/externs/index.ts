export { namesOf } from './ksym';
export { type ResolvedExtern, type ResolvedExterns, resolveExterns } from './resolve';
