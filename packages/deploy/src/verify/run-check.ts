import {
  BpfError,
  Collection,
  decodeValue,
  encodeValue,
  loadObject,
  sourceOf,
  type BpfMap,
  type RelocatedObject,
  type TestRunOutcome,
} from '@nx-bpf/loader';
import { differenceOf, hexText, valueText, writeContents, type EncodedEntry } from '../maps';
import { entryAfter } from './entry-after';
import { type PreparedRun, type RunEntries } from './prepare-runs';
import { contextOf } from './run-context';
import { returnText } from './runnable';

/** How a check went: what was not as expected, if anything. */
export interface RunVerdict {
  readonly name: string;
  readonly passed: boolean;
  /** What it returned; null where it could not be run. */
  readonly returned: number | null;
}

/**
 * Loads a program once more with maps of its own, puts into these what they are to have, and runs it (BPF_PROG_RUN).
 *
 * @returns what is not as expected, each an error with what was found and what was expected
 * @throws BpfError what loading and running throw
 */
export function runCheck(
  relocated: RelocatedObject,
  entry: string,
  prepared: PreparedRun,
): { readonly verdict: RunVerdict; readonly errors: readonly BpfError[] } {
  const { run, runnable, packet, before } = prepared;
  const spec = relocated.programs.find(({ name }) => name === entry);
  const source = spec && sourceOf(0, spec.lineInfo, relocated.btf);
  const failed = (what: string, found: string, expected: string): BpfError =>
    new BpfError('RUN_CHECK_FAILED', `check '${run.name}' of program '${run.program}': ${what}`, {
      program: run.program,
      found,
      expected,
      file: source?.file,
      line: source?.line,
    });
  const collection = new Collection(relocated, loadObject(relocated, { programs: [entry] }));
  try {
    for (const { map: name, contents } of before) {
      const map = collection.maps.get(name);
      if (map !== undefined) writeContents(map, differenceOf(contents, map));
    }
    const kept = new Map(prepared.after.map((expected) => [expected, valuesOf(collection, expected)]));
    const outcome = collection.program(entry).testRun({
      data: packet,
      context: contextOf(run.context, runnable, `run.${run.name}.input.context`),
      // Raw tracepoints and syscall programs refuse a repeat, even of one.
      repeat: run.repeat === 1 ? undefined : run.repeat,
    });
    const errors = [
      ...outcomeErrors(prepared, outcome, failed),
      ...prepared.after.flatMap((expected) =>
        mapErrors(collection.maps.get(expected.map), expected, kept.get(expected)!, failed),
      ),
      ...variableErrors(relocated, collection, prepared, failed),
    ];
    return {
      verdict: { name: run.name, passed: errors.length === 0, returned: outcome.returnValue },
      errors,
    };
  } catch (error) {
    throw error instanceof BpfError ? about(error, run.name) : error;
  } finally {
    collection.close();
  }
}

type Failed = (what: string, found: string, expected: string) => BpfError;

function about(error: BpfError, check: string): BpfError {
  const { code, fields, message } = error;
  return new BpfError(
    code,
    `check '${check}': ${message}`,
    { ...fields, found: undefined, expected: undefined, hint: undefined },
    error,
  );
}

function outcomeErrors(
  { runnable, returns, output }: PreparedRun,
  { returnValue, data }: TestRunOutcome,
  failed: Failed,
): BpfError[] {
  const errors: BpfError[] = [];
  if (returns !== undefined && returnValue !== returns)
    errors.push(failed('return value', returnText(runnable, returnValue), returnText(runnable, returns)));
  if (output !== undefined && Buffer.compare(output, data) !== 0) {
    const first = data.findIndex((byte, i) => byte !== output[i]);
    const differs = first === -1 ? Math.min(data.length, output.length) : first;
    const part = (bytes: Uint8Array): string =>
      `${bytes.length} bytes with ${hexText(bytes.subarray(differs, differs + 16)) || 'nothing'} from byte ${differs} on`;
    errors.push(failed('output', part(data), part(output)));
  }
  return errors;
}

/** What the entries that are expected were before the program ran: only one CPU's value changes. */
function valuesOf(collection: Collection, { map: name, entries }: RunEntries): (Uint8Array | undefined)[] {
  const map = collection.maps.get(name);
  return entries.map(({ key }) => map?.raw.lookup(key));
}

function mapErrors(
  map: BpfMap | undefined,
  { shape, entries }: RunEntries,
  before: readonly (Uint8Array | undefined)[],
  failed: Failed,
): BpfError[] {
  if (map === undefined)
    return [failed(`map ${shape.name}`, 'a program that does not use it', 'entries in it')];
  const text = (typeId: number, bytes: Uint8Array): string =>
    shape.btf === undefined || typeId === 0
      ? hexText(bytes)
      : valueText(decodeValue(shape.btf, typeId, bytes, 0));
  return entries.flatMap((entry: EncodedEntry, i) => {
    const now = map.raw.lookup(entry.key);
    const found = now && entryAfter(shape, before[i], now);
    if (found !== undefined && Buffer.compare(found, entry.value(found)) === 0) return [];
    const key = shape.keyTypeId === 0 ? hexText(entry.key) : text(shape.keyTypeId, entry.key);
    return [
      failed(
        `map ${shape.name}, key ${key}`,
        found === undefined ? 'no entry' : text(shape.valueTypeId, found),
        text(shape.valueTypeId, entry.value(found)),
      ),
    ];
  });
}

/** Fields that are not mentioned may be anything: they are as they were found. */
function variableErrors(
  relocated: RelocatedObject,
  collection: Collection,
  { run }: PreparedRun,
  failed: Failed,
): BpfError[] {
  return Object.entries(run.expect.variables).flatMap(([name, value]) => {
    const spec = relocated.variables.find((each) => each.name === name)!;
    const variable = collection.variables.get(name);
    if (variable === undefined)
      return [failed(`variable ${name}`, 'a program that does not use it', valueText(value))];
    const { btf } = collection.maps.get(spec.map)!;
    const found = variable.bytes();
    const wanted = found.slice();
    if (btf === undefined || spec.typeId === 0)
      throw new BpfError('BTF_MISSING', `variable '${name}' has no type`, {
        symbol: name,
        hint: 'compile with -g',
      });
    encodeValue(btf, spec.typeId, value, wanted, 0, { name });
    if (Buffer.compare(found, wanted) === 0) return [];
    const text = (bytes: Uint8Array): string => valueText(decodeValue(btf, spec.typeId, bytes, 0));
    return [failed(`variable ${name}`, text(found), text(wanted))];
  });
}
