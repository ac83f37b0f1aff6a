import { type LockEntry } from './lock-entry';

/** Changes when a bundle of this version could not be read by one before. */
export const BUNDLE_FORMAT = 1;

/** The first entry of a bundle, and the second: the SHA-256 of the first, in hexadecimal digits. */
export const indexFile = 'bundle.json';
export const indexDigestFile = 'bundle.sha256';

/** An object in a bundle: what `BuiltObject` says of it, its file relative to the bundle's root. */
export interface BundledObject {
  readonly name: string;
  readonly file: string;
  readonly sha256: string;
  readonly sources: string;
  readonly toolchain: string;
}

/** A relocation in a bundle: what `BundledRelocation` says of it, its file in place of its bytes. */
export interface IndexedRelocation {
  readonly object: string;
  readonly programs: readonly string[];
  readonly kernel: string;
  readonly btf: string;
  readonly file: string;
}

/** What is in a bundle. */
export interface BundleIndex {
  readonly format: typeof BUNDLE_FORMAT;
  readonly project: string;
  readonly environment: string;
  /** The merged manifest: see `encodeConfig`. */
  readonly config: string;
  readonly objects: readonly BundledObject[];
  readonly lock: LockEntry;
  readonly relocations: readonly IndexedRelocation[];
  /** SHA-256 of every other entry, by name, sorted. */
  readonly files: Readonly<Record<string, string>>;
}
