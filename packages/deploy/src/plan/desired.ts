import { type MapDefinition } from '../state';

/** What the manifest and the objects ask for, reduced to what can be compared. Lists are sorted by name. */
export interface Desired {
  readonly project: string;
  readonly environment: string;
  readonly revision: string;
  readonly objects: readonly DesiredObject[];
  readonly programs: readonly DesiredProgram[];
  readonly maps: readonly DesiredMap[];
  readonly links: readonly DesiredLink[];
}

export interface DesiredObject {
  readonly name: string;
  readonly object: string;
  readonly constants: string;
}

export interface DesiredProgram {
  readonly name: string;
  readonly object: string;
  readonly function: string;
  readonly section: string;
  readonly type: string;
  readonly insns: number;
  readonly instructions: string;
  readonly maps: readonly string[];
}

export interface DesiredMap extends MapDefinition {
  readonly name: string;
  readonly pin: string | undefined;
  readonly data: string | undefined;
  /** What to do when the kernel holds it with another definition. */
  readonly migrate: 'refuse' | 'recreate';
}

export interface DesiredLink {
  readonly id: string;
  readonly program: string;
  readonly hook: string;
  readonly target: string;
  readonly spec: string;
  /** Whether the hook switches a program in place (BPF_LINK_UPDATE). */
  readonly updatable: boolean;
}
