import { type Draft } from './draft';

/** Something that reads bytes from outside. */
export interface Target {
  readonly name: string;
  /** What it reads, for people. */
  readonly what: string;
  /** What an input gets past, in order: a run counts how many got past each. */
  readonly rooms: readonly string[];
  /** The code that is meant to be reached: paths from the repository's root, of files or folders. */
  readonly sources: readonly string[];
  /** Real inputs to begin with. */
  seeds(): readonly Uint8Array[] | Promise<readonly Uint8Array[]>;
  /** Makes another input of one: changes that know its form. */
  readonly mutate: Mutator;
  /**
   * Reads an input. Only a BpfError may come out of it.
   *
   * @param past says that a room, by its index, is passed
   */
  run(input: Uint8Array, past: (room: number) => void): void | Promise<void>;
  /** What a run may cost beyond what the size of its input allows, as when a fixed second file is read with it. */
  readonly size?: (input: Uint8Array) => number;
}

export type Mutator = (draft: Draft) => void;

/** Ends a run whose input was read, but gave something else the second time: a finding. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

/** What a run may cost: a file of 100 KB at most a second of processor time, and 100 MB. */
export function bounds(size: number): { readonly ms: number; readonly bytes: number } {
  return { ms: 100 + size * 0.009, bytes: 16e6 + size * 840 };
}
