import { BpfError, nearest } from '../errors';
import { type Fd, privileges, tokenOf } from '../kernel';
import { type RelocatedObject } from '../relocate';
import { type Cost, type EarlyLoads } from './early-loads';
import { headStart } from './head-start';
import { loadBtf } from './load-btf';
import { loadMaps } from './load-maps';
import { loadPrograms, type ProgramsContext, typedPrograms, type TypedProgram } from './load-programs';
import { LoadedObject, type LoadOptions, type LoadTiming } from './loaded';
import { fillSlots } from './slots';
import { Undo } from './undo';
import { wanted } from './wanted';

/**
 * Put an object into the kernel: its types, its maps, its programs, in this order; then programs go into the slots of
 * prog arrays. Nothing is attached. If anything fails, all that was made is gone again, pins included.
 *
 * Slots of maps that the caller handed in are left alone, as those maps may be in use: see {@link fillSlots}.
 *
 * @throws BpfError BYTE_ORDER, PROGRAM_NOT_FOUND, MAP_NOT_FOUND, SECTION_UNKNOWN, MAP_INVALID, MAP_CREATE_FAILED,
 *   MAP_INCOMPATIBLE, VERIFIER_REJECTED, PROGRAM_LOAD_FAILED, PRIVILEGE_MISSING, EXTERN_UNRESOLVED, and what pinning
 *   throws
 *
 * @example
 * ```ts
 * const loaded = loadObject(relocateObject(spec, runningKernel()), { programs: ['edge_guard'] });
 * loaded.program('edge_guard').fd.number;
 * loaded.close();
 * ```
 */
export function loadObject(object: RelocatedObject, options: LoadOptions = {}): LoadedObject {
  const undo = new Undo();
  try {
    return loadTheRest(loadMapsOf(object, options, undo), undo);
  } catch (error) {
    throw undone(error, object, undo);
  }
}

/**
 * {@link loadObject}, with the programs that take the verifier long loaded in threads, as many at a time as there are
 * CPUs. What comes of it is the same, the first error too.
 *
 * @param cost how many instructions the verifier walked in a program when it was loaded before
 *   (`ProgramInfo.verifiedInsns`); where that is not known, the program's length is what counts
 * @throws BpfError as {@link loadObject}
 *
 * @example
 * ```ts
 * const loaded = await loadObjectInThreads(relocateObject(spec, runningKernel()));
 * loaded.programs.length; // 2
 * loaded.close();
 * ```
 */
export async function loadObjectInThreads(
  object: RelocatedObject,
  options: LoadOptions = {},
  cost: Cost = () => undefined,
): Promise<LoadedObject> {
  const undo = new Undo();
  try {
    const begun = loadMapsOf(object, options, undo);
    return loadTheRest(begun, undo, await headStart(begun.typed, begun.context, cost, undo));
  } catch (error) {
    throw undone(error, object, undo);
  }
}

function undone(error: unknown, object: RelocatedObject, undo: Undo): unknown {
  undo.run();
  return error instanceof BpfError ? error.with({ object: object.name }) : error;
}

/** An object whose types and maps are in the kernel. */
interface Begun {
  readonly typed: readonly TypedProgram[];
  readonly context: ProgramsContext;
  readonly notes: string[];
  readonly clock: Clock;
  readonly timing: Pick<LoadTiming, 'btf' | 'maps'>;
  readonly token: Fd | undefined;
}

function loadMapsOf(object: RelocatedObject, options: LoadOptions, undo: Undo): Begun {
  const notes: string[] = [];
  const note = (text: string): void => void notes.push(text);
  const clock = new Clock();

  checkByteOrder(object);
  checkMapNames(object, options);
  const { programs: wantedPrograms, maps: wantedMaps } = wanted(object, options.programs);
  const typed = typedPrograms(wantedPrograms, options.types);

  const token = openToken(options.token);
  undo.push(() => token?.close());
  clock.start();
  const btf = loadBtf(object.btf, note, undefined, token?.number);
  undo.push(() => btf?.fd.close());
  const btfTime = clock.lap();

  const maps = loadMaps(wantedMaps, options, { btf: btf?.fd.number, note, token: token?.number }, undo);
  const timing = { btf: btfTime, maps: clock.lap() };
  const context = { object, options, maps, note, btf, logLevel: options.logLevel ?? 0, token: token?.number };
  return { typed, context, notes, clock, timing, token };
}

function loadTheRest(
  { typed, context, notes, clock, timing, token }: Begun,
  undo: Undo,
  early?: EarlyLoads,
): LoadedObject {
  const { maps, note, btf, object } = context;
  const programs = loadPrograms(typed, context, undo, early);
  for (const map of maps) {
    const later = map.spec.inner === undefined && map.spec.structOps === undefined && map.origin !== 'given';
    if (later) fillSlots(map, { maps, programs }, note);
  }
  // Maps and programs hold the types from here on.
  btf?.fd.close();
  token?.close();
  return new LoadedObject(object.name, maps, programs, { ...timing, programs: clock.lap() }, notes);
}

/** Where a bpffs is that may delegate rights, unless the caller says. */
const usualBpffs = '/sys/fs/bpf';

/**
 * The token that everything is loaded with. In a user namespace of its own a process has no other rights, so there the
 * usual bpffs is asked even if nobody said so; that it does not delegate is then no error.
 */
function openToken(path: string | undefined): Fd | undefined {
  if (path === '') return undefined;
  if (path !== undefined) {
    const token = tokenOf(path);
    if (token !== undefined) return token;
    throw new BpfError('PRIVILEGE_MISSING', `the bpffs at ${path} delegates nothing`, {
      path,
      hint: 'mount it with delegate_cmds, delegate_maps, delegate_progs and delegate_attachs, from outside of the user namespace',
    });
  }
  if (!privileges().userNamespace) return undefined;
  try {
    return tokenOf(usualBpffs);
  } catch (error) {
    if (error instanceof BpfError) return undefined;
    throw error;
  }
}

/** Its instructions would load, and its constants mean something else. Every machine that this loader runs on is one. */
function checkByteOrder({ name, littleEndian }: RelocatedObject): void {
  if (littleEndian) return;
  throw new BpfError('BYTE_ORDER', `${name}: the object`, {
    found: 'big endian',
    expected: 'little endian, as this machine is',
    hint: 'compile it with -target bpfel, or -target bpf on this machine',
  });
}

/** A mistyped name would otherwise be a map that is created although one was handed in. */
function checkMapNames(object: RelocatedObject, { maps, mapPins }: LoadOptions): void {
  const known = object.maps.map((map) => map.name);
  for (const name of [...Object.keys(maps ?? {}), ...Object.keys(mapPins ?? {})].sort()) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    throw new BpfError('MAP_NOT_FOUND', `${object.name}: no map '${name}'`, {
      map: name,
      hint: near.length > 0 ? `did you mean '${near.join("' or '")}'?` : undefined,
    });
  }
}

/** Microseconds between one call and the next. */
class Clock {
  private last = 0n;

  start(): void {
    this.last = process.hrtime.bigint();
  }

  lap(): number {
    const now = process.hrtime.bigint();
    const elapsed = Number((now - this.last) / 1000n);
    this.last = now;
    return elapsed;
  }
}
