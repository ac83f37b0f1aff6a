export { namesOf } from './ksym';
export {
  firstUses,
  resolveExtern,
  type ResolvedExtern,
  type ResolvedExterns,
  resolveExterns,
} from './resolve';
