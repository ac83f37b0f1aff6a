import { availableParallelism } from 'node:os';
import { BpfError } from '../errors';
import { Fd, features, hasFeature, programLoadInThread, type ProgramLoadAttributes } from '../kernel';
import { type RelocatedProgram } from '../relocate';
import { type Cost, DEAR, type EarlyLoads } from './early-loads';
import { kernelValues } from './kernel-values';
import { programAttributes } from './load-program';
import { type ProgramsContext, readyProgram, type TypedProgram } from './load-programs';
import { attachWords } from './program-target';
import { type Undo } from './undo';

/** At most so many at a time, whatever the number of CPUs: threads of libuv's pool. */
const MOST = 4;

/**
 * Loads the dear programs of an object in threads, dearest first, as many at a time as there are CPUs. One that the
 * kernel refuses there, and everything that takes more than maps, is left for the load in order.
 *
 * @param cost what is known of a program; where nothing is, its length is what counts
 * @returns what is loaded; it closes with `undo`
 */
export async function headStart(
  programs: readonly TypedProgram[],
  context: ProgramsContext,
  cost: Cost,
  undo: Undo,
): Promise<EarlyLoads> {
  const early = new Map<RelocatedProgram, Fd>();
  const { options, logLevel } = context;
  const bound = options.boundMaps ?? [];
  if (logLevel > 0 || (bound.length > 0 && hasFeature(features.boundAtLoad) !== true)) return early;
  const costs = new Map(programs.map(({ spec }) => [spec, cost(spec) ?? spec.instructions.length / 8]));
  const dear = programs
    .filter(({ spec }) => costs.get(spec)! > DEAR && isPlain(spec, options.attachTargets))
    .sort((a, b) => costs.get(b.spec)! - costs.get(a.spec)!);
  if (dear.length < 2) return early;

  const shared = kernelValues(
    dear.map(({ spec }) => spec),
    context.maps,
  );
  const values = { ...shared, jumpTable: () => -1 };
  const inThread = async (program: TypedProgram): Promise<Fd | undefined> => {
    const result = await programLoadInThread(attributes(program));
    if (result < 0) return undefined;
    const fd = new Fd(result, `program '${program.spec.name}'`);
    undo.push(() => fd.close());
    return fd;
  };
  const attributes = (program: TypedProgram): ProgramLoadAttributes => {
    const { spec, type, attachType } = program;
    const attach = attachWords(spec, { type, attachType }, undefined, shared.moduleBtfFd);
    return programAttributes(readyProgram(program, attach, values, bound), context);
  };
  const waiting = dear.values();
  const next = async (): Promise<void> => {
    for (const program of waiting) {
      try {
        const loaded = await inThread(program);
        if (loaded !== undefined) early.set(program.spec, loaded);
      } catch (error) {
        // The load in order finds it again, and says so in the object's order.
        if (!(error instanceof BpfError)) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), MOST) }, next));
  return early;
}

/** Whether a program needs nothing of this kernel but maps, and its target is not another program. */
function isPlain({ name, bindings, attach }: RelocatedProgram, targets: object | undefined): boolean {
  const replaces = targets !== undefined && Object.hasOwn(targets, name);
  return (
    bindings.every(({ kind }) => kind === 'map' || kind === 'data') &&
    attach?.module === undefined &&
    !replaces
  );
}
