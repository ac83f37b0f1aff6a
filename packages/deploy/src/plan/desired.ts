import { type LinkEntry, type VariantChoice } from '../manifest';
import { type MapDefinition, type ObjectIdentity, type ProgramIdentity } from '../state';

/** What the manifest and the objects ask for, reduced to what can be compared. Lists are sorted by name. */
export interface Desired {
  readonly project: string;
  readonly environment: string;
  readonly revision: string;
  readonly objects: readonly ObjectIdentity[];
  readonly programs: readonly DesiredProgram[];
  readonly maps: readonly DesiredMap[];
  readonly links: readonly DesiredLink[];
  /** Which variant each program is that has some. */
  readonly variants: readonly ChosenVariant[];
}

/** The variant of a program that is used on this host, and what does not hold of those before it. */
export interface ChosenVariant extends VariantChoice {
  readonly program: string;
}

export interface DesiredProgram extends ProgramIdentity {
  /** Capabilities that loading it needs. */
  readonly capabilities: readonly string[];
}

export interface DesiredMap extends MapDefinition {
  readonly name: string;
  readonly pin: string | undefined;
  /**
   * The object that it is loaded anew with: that whose data section it is, or whose programs are in its initial slots.
   * Undefined for a map that lives on its own, and may be shared by objects.
   */
  readonly object: string | undefined;
  /** The maps in its initial slots, as `index=name`. */
  readonly slots: readonly string[];
  /** What to do when the kernel holds it with another definition. */
  readonly migrate: 'refuse' | 'recreate' | 'copy';
  /** Not removed, nor replaced by an empty one, unless somebody insists. */
  readonly protect: boolean;
  /** Used by several projects: pinned where they all find it. */
  readonly shared: boolean;
}

export interface DesiredLink {
  readonly id: string;
  /** What it runs: a program; of `struct_ops` the map of the struct. */
  readonly program: string;
  readonly hook: LinkEntry['hook'];
  readonly target: string;
  readonly spec: string;
  /** Whether the hook switches a program in place (BPF_LINK_UPDATE). */
  readonly updatable: boolean;
  /** For hooks that do not: whether the new link comes before the old one goes. */
  readonly replace: 'make-before-break' | 'gap';
  /** A place that holds one program alone, such as an interface's for XDP; null where several run. */
  readonly exclusive: string | null;
  /** Maps and programs of the project that its options name: with another of them it is another link. */
  readonly uses: { readonly maps: readonly string[]; readonly programs: readonly string[] };
  /** What a program of `freplace` stands in for, as it has to be told when it is loaded: a program, or its pin. */
  readonly replaces: { readonly program: string; readonly function: string | undefined } | null;
  /** As the manifest has it. */
  readonly entry: LinkEntry;
  /** Capabilities that attaching needs. */
  readonly capabilities: readonly string[];
}
