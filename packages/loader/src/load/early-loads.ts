import { type Fd } from '../kernel';
import { type RelocatedProgram } from '../relocate';

/** Programs that are loaded already. */
export type EarlyLoads = ReadonlyMap<RelocatedProgram, Fd>;

/** How many instructions the verifier walks in a program; undefined where nobody knows. */
export type Cost = (program: RelocatedProgram) => number | undefined;

/**
 * Instructions from which on a program is worth a thread: the verifier takes a third of a microsecond for one, and
 * handing a program over takes some 35 microseconds.
 */
export const DEAR = 600;
