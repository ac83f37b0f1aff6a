import { type ContentsCount } from './contents';

/** What was found out about maps that are there, held against what they are to be: what a plan needs of it. */
export interface MapFindings {
  /** Maps whose entries, or data sections whose variables, the new ones take over: by the new map's name. */
  readonly copies: ReadonlyMap<string, CopyFinding>;
  /** SHA-256 of the contents that the manifest gives maps. */
  readonly wanted: ReadonlyMap<string, string>;
  /** By how much the contents of maps differ from what the manifest says; only of those that differ. */
  readonly contents: ReadonlyMap<string, ContentsCount>;
  /** Other projects that use a map that projects share. */
  readonly sharers: ReadonlyMap<string, readonly Sharer[]>;
}

export interface CopyFinding {
  /** Why it cannot be done; empty: it can. */
  readonly problems: readonly string[];
  /** What may be lost on the way; null: nothing. */
  readonly window: string | null;
}

/** A project that uses a shared map, and the digest of the definition that it knows. */
export interface Sharer {
  readonly project: string;
  readonly abi: string;
}

export const noFindings: MapFindings = {
  copies: new Map(),
  contents: new Map(),
  wanted: new Map(),
  sharers: new Map(),
};
