import {
  BpfError,
  kernelIdentity,
  loadObject,
  parseObject,
  probeHook,
  programInfo,
  readVerifierStats,
  type LoadedObject,
  type RelocatedObject,
} from '@nx-bpf/loader';
import {
  programsInStructs,
  readObject,
  relocateCached,
  withChosenVariants,
  withValues,
  type CompiledObject,
} from '../apply';
import { type RelocationCache } from '../cache';
import { namedBy, Problems, type BudgetConfig, type ProgramConfig, type ProjectConfig } from '../manifest';
import { type Progress } from '../toolchain';
import { checkRuns, runChecks } from './check-runs';
import { readRecord } from './record';
import { Results } from './results';
import { type RunVerdict } from './run-check';

/** `BPF_LOG_STATS` of include/linux/bpf_verifier.h. */
const STATISTICS = 4;

/** A program as the running kernel's verifier takes it. */
export interface LoadVerdict {
  readonly program: string;
  readonly object: string;
  readonly function: string;
  /** null: it cannot be loaded by itself, since it is for another program. */
  readonly loads: boolean | null;
  /** Instructions that the verifier walked. */
  readonly insns: number | null;
  readonly peakStates: number | null;
  /** Bytes of stack of the function that takes most. */
  readonly stackDepth: number | null;
  /** Microseconds. */
  readonly time: number | null;
  /** Whether the kernel attaches such programs at all; null: that cannot be told. */
  readonly attaches: readonly {
    readonly id: string;
    readonly hook: string;
    readonly attaches: boolean | null;
  }[];
  /** What was recorded for this kernel. */
  readonly recorded: number | null;
  /** What it was run on to verify it, by name. */
  readonly runs: readonly RunVerdict[];
  /** Why it does not load, cannot be attached, is over its budget, or does not do what is expected. */
  readonly errors: readonly BpfError[];
}

/** What loading each program is told. */
export interface LoadLevel {
  readonly config: ProjectConfig;
  readonly objects: readonly CompiledObject[];
  readonly cache: RelocationCache;
  /** Directory of results: what loaded before with the same constants into the same kernel is not loaded again. */
  readonly results: string;
  readonly note: (text: string) => void;
  /** Is told each program as it begins. */
  readonly progress?: Progress | undefined;
}

/**
 * Loads every program of a project into the running kernel with the constants of its environment, one by one, and lets
 * it go again: nothing is attached, nothing pinned. Whether the kernel attaches such programs is tried on objects made
 * for that. What loads is run on what the manifest says, with maps made for that.
 *
 * @throws BpfError MANIFEST_INVALID for constants that the objects do not have and checks that cannot be, VARIANT_UNAVAILABLE, PRIVILEGE_MISSING
 */
export function loadEach(input: LoadLevel): readonly LoadVerdict[] {
  const { config, objects, cache, results: directory, note, progress } = withChosenVariants(input);
  const results = new Results(directory, note);
  const recorded = readRecord(config, kernelIdentity().release);
  const problems = new Problems();
  for (const { name, file } of config.runs.length === 0 ? [] : objects)
    checkRuns(config, parseObject(readObject(file).bytes, { name }), problems);
  problems.throwIfAny();
  return Object.entries({ ...config.programs, ...structPrograms(config, objects) })
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, program], index, { length }) => {
      progress?.({ what: 'loading', name, number: index + 1, of: length });
      const object = objects.find((each) => each.name === program.object);
      if (object === undefined) return [];
      return [
        verdict(
          config,
          { name, program, object, recorded: recorded[name] ?? null },
          { cache, results, note },
        ),
      ];
    });
}

/** Programs that only structs of the manifest name. */
function structPrograms(
  config: ProjectConfig,
  objects: readonly CompiledObject[],
): Record<string, ProgramConfig> {
  const holders = objects.filter(({ name }) =>
    Object.values(config.structOps).some(({ object }) => object === name),
  );
  const named = holders.flatMap(({ name: object, file }) =>
    programsInStructs(config, object, parseObject(readObject(file).bytes, { name: object })).map(
      ({ name }): [string, ProgramConfig] => {
        const budgets = { insns: undefined, deltaPct: undefined };
        return [name, { object, function: name, attach: [], variants: [], optional: false, budgets }];
      },
    ),
  );
  return Object.fromEntries(named);
}

interface Subject {
  readonly name: string;
  readonly program: ProgramConfig;
  readonly object: CompiledObject;
  readonly recorded: number | null;
}

function verdict(
  config: ProjectConfig,
  { name, program, object, recorded }: Subject,
  { cache, results, note }: Pick<LoadLevel, 'cache' | 'note'> & { readonly results: Results },
): LoadVerdict {
  const { object: of, function: entry, attach, budgets } = program;
  const attaches = attach.map(({ id, hook }) => ({ id, hook, attaches: probeHook(hook).attaches ?? null }));
  const base = { program: name, object: of, function: entry, recorded, attaches };
  const nothing = { insns: null, peakStates: null, stackDepth: null, time: null, runs: [] };
  if (attach.some((each) => namedBy(each, 'program').length > 0)) {
    return { ...base, ...nothing, loads: null, errors: [] };
  }
  const unattached = attach.flatMap(({ id, hook, optional }) =>
    optional || probeHook(hook).attaches !== false ? [] : [cannotAttach(name, id, hook)],
  );
  try {
    const file = { ...readObject(object.file), name: object.name };
    const asked = [file.digest, entry, config.objects[object.name]!.constants, sizes(config)];
    let prepared: RelocatedObject | undefined;
    const relocated = (): RelocatedObject => {
      if (prepared !== undefined) return prepared;
      const answer = relocateCached(file, [entry], cache);
      if (answer.note !== undefined) note(answer.note);
      const problems = new Problems();
      prepared = withValues(config, object.name, answer.relocated, problems);
      problems.throwIfAny();
      return prepared;
    };
    const stats = results.get([FORMAT, asked, kernelIdentity()], () => load(relocated(), entry));
    const ran = runChecks(
      config,
      { program: name, object: object.name, function: entry, asked: [asked, kernelIdentity()], relocated },
      results,
    );
    const over = budgetErrors(name, stats.insns, recorded, budgets);
    return {
      ...base,
      ...stats,
      loads: true,
      runs: ran.map(({ verdict }) => verdict),
      errors: [...unattached, ...over, ...ran.flatMap(({ errors }) => errors)],
    };
  } catch (error) {
    if (!(error instanceof BpfError) || ofAll.has(error.code)) throw error;
    return { ...base, ...nothing, loads: false, errors: [error] };
  }
}

/** What the manifest says of maps when they are made. */
function sizes({ maps }: ProjectConfig): unknown {
  return Object.entries(maps).map(([name, { maxEntries }]) => [name, maxEntries ?? null]);
}

/** Part of the key of a stored result: another form of it is another number. */
const FORMAT = 'loads-1';

/** Codes that no other program would fare better with. */
const ofAll = new Set(['MANIFEST_INVALID', 'PRIVILEGE_MISSING', 'FILE']);

function load(
  relocated: RelocatedObject,
  entry: string,
): Pick<LoadVerdict, 'insns' | 'peakStates' | 'stackDepth' | 'time'> {
  const loaded = loadWithStatistics(relocated, entry);
  try {
    const { fd, log } = loaded.program(entry);
    const { verifiedInsns } = programInfo(fd.number);
    const stats = readVerifierStats(log);
    return {
      // Linux 5.16 is the first to say it by itself.
      insns: verifiedInsns === 0 ? (stats.insns ?? null) : verifiedInsns,
      peakStates: stats.peakStates ?? null,
      stackDepth: stats.stackDepths.length === 0 ? null : Math.max(...stats.stackDepths),
      time: stats.time ?? null,
    };
  } finally {
    loaded.close();
  }
}

function loadWithStatistics(relocated: RelocatedObject, entry: string): LoadedObject {
  try {
    return loadObject(relocated, { programs: [entry], logLevel: STATISTICS });
  } catch (error) {
    // A log of nothing but statistics does not say where: without a level the loader asks for all of it.
    loadObject(relocated, { programs: [entry] }).close();
    throw error;
  }
}

function cannotAttach(program: string, id: string, hook: Parameters<typeof probeHook>[0]): BpfError {
  return new BpfError('ATTACH_FAILED', `program '${program}' cannot be attached by '${id}'`, {
    program,
    found: `no ${hook} in this kernel: ${probeHook(hook).reason ?? 'it refuses such links'}`,
  });
}

function budgetErrors(
  program: string,
  insns: number | null,
  recorded: number | null,
  { insns: most, deltaPct }: BudgetConfig,
): BpfError[] {
  if (insns === null) return [];
  const errors: BpfError[] = [];
  const over = (expected: string): BpfError =>
    new BpfError('BUDGET_EXCEEDED', `program '${program}' is over its budget`, {
      program,
      found: `${insns} instructions that the verifier walks`,
      expected,
    });
  if (most !== undefined && insns > most) errors.push(over(`at most ${most} (budgets.insns)`));
  if (deltaPct !== undefined && recorded !== null && insns > recorded * (1 + deltaPct / 100)) {
    const grown = (((insns - recorded) / recorded) * 100).toFixed(1);
    errors.push(
      over(`at most ${deltaPct} % more than the recorded ${recorded}, not ${grown} % (budgets.deltaPct)`),
    );
  }
  return errors;
}
