import { type LinkEntry } from '../manifest';
import { type ContentsCount } from '../maps';
import { type ChosenVariant } from './desired';

/** Why something changes. */
export type Reason =
  | 'new'
  /** The object's code. */
  | 'source'
  | 'constants'
  /** Compiler or flags. */
  | 'toolchain'
  /** The same object comes out differently on this kernel. */
  | 'kernel'
  /** A map that it uses is made anew. */
  | 'map'
  | 'definition'
  | 'slots'
  /** What the manifest says is in it. */
  | 'contents'
  /** It is not to be removed. */
  | 'protected'
  /** Other projects use it. */
  | 'shared'
  /** The program that it runs. */
  | 'program'
  | 'target'
  /** It has another id in the manifest, on the same hook. */
  | 'renamed'
  /** Somebody changed or removed it behind our back. */
  | 'drift'
  | 'unused'
  /** It is what an earlier generation had. */
  | 'rollback';

export interface Change<Action extends string = string> {
  readonly name: string;
  readonly action: Action;
  readonly reasons: readonly Reason[];
}

/** A number as it was recorded and as it will be; null where there is none, or nobody knows it yet. */
export interface BeforeAfter {
  readonly before: number | null;
  readonly after: number | null;
}

export interface ProgramChange extends Change<'create' | 'keep' | 'replace' | 'remove'> {
  readonly object: string;
  readonly type: string;
  readonly insns: BeforeAfter;
  /** Instructions that the verifier walks. What is to be loaded is known only where a kernel was asked. */
  readonly verified: BeforeAfter;
}

/**
 * `adopt` uses the map of somebody else that is pinned where the manifest says; it is never removed, unless projects
 * share it and this is the last. `update` writes entries into the map that is there. `replace` starts with an empty
 * map, `migrate` with the entries of the one before (a data section: with the variables that are carried over). `refuse`: apply ends before it does anything.
 */
export interface MapChange extends Change<
  'create' | 'adopt' | 'keep' | 'update' | 'replace' | 'migrate' | 'remove' | 'refuse'
> {
  readonly type: string;
  /** How the definition differs from that of the map that is there. */
  readonly differences: readonly MapDifference[];
  /** How many entries are written or removed because the manifest says what is in it; null: none. */
  readonly contents: ContentsCount | null;
  /** Of `migrate`: what may be lost on the way, in words; null: nothing. */
  readonly window: string | null;
  /** Of `refuse`: why, beyond the differences. */
  readonly problems: readonly string[];
}

/** One thing in which two definitions of a map differ. */
export interface MapDifference {
  /** `type`, `key_size`, `value_size`, `max_entries`, `map_flags`, `pin`, or `key` and `value` for one of their fields. */
  readonly what:
    'type' | 'key_size' | 'value_size' | 'max_entries' | 'map_flags' | 'pin' | 'key' | 'value' | 'layout';
  /** Path of the field, for `key` and `value`. */
  readonly field: string | null;
  /** A number, a type or the like, in words; null: it is not there. */
  readonly before: string | null;
  readonly after: string | null;
}

/**
 * How a link gets from one program to the next. `atomic`: in place, no event between the two. `overlap`: the new link
 * is made first, so both run for a moment. `gap`: the old one goes first, and events in between are not seen.
 */
export type Switch = 'atomic' | 'overlap' | 'gap';

/** `update` keeps the kernel's link, with another program or under another id; `replace` attaches anew. */
export interface LinkChange extends Change<'create' | 'keep' | 'update' | 'replace' | 'remove'> {
  /** What it runs: a program; of `struct_ops` the map of the struct. */
  readonly program: string;
  readonly hook: LinkEntry['hook'];
  readonly target: string;
  /** Null where nothing is switched: it is new, stays, or goes. */
  readonly switch: Switch | null;
  /** The id that it had before, where that is another. */
  readonly renamedFrom: string | null;
}

/** Something that is not as apply left it. */
export interface Drift {
  /** `hook`: what others do at the place of a link, named by its id. */
  readonly kind: 'program' | 'map' | 'link' | 'hook' | 'deployment';
  readonly name: string;
  readonly text: string;
}

/** A program of somebody else where one of ours is, or is to be. */
export interface Foreign {
  /** Id of our link there. */
  readonly link: string;
  readonly target: string;
  readonly programId: number;
  /** Null where it may not be looked at. */
  readonly programName: string | null;
  /** Relative to our program: those of `alone` would be in its way. */
  readonly runs: 'before' | 'after' | 'alone' | 'beside';
}

/** What apply would do, and why: a value that is printed, saved, compared and carried out. */
export interface Plan {
  readonly formatVersion: 1;
  readonly project: string;
  readonly environment: string;
  /** The generation that is there, 0 if none. */
  readonly from: number;
  /** The generation after it: `from` if nothing changes. */
  readonly to: number;
  readonly programs: readonly ProgramChange[];
  readonly maps: readonly MapChange[];
  readonly links: readonly LinkChange[];
  /** Which variants are used on this host, of the programs that have some. */
  readonly variants: readonly ChosenVariant[];
  /** What changed behind our back. */
  readonly drift: readonly Drift[];
  /** Programs of others at our hooks. */
  readonly foreign: readonly Foreign[];
  /** Several links change one after another: in between old and new programs run side by side. */
  readonly sideBySide: boolean;
  /** Capabilities that apply needs, sorted; none if it has nothing to do. */
  readonly capabilities: readonly string[];
  readonly empty: boolean;
}
