import { isGlob } from '../bytes';
import { type BpfError } from '../errors';
import { type KprobeMulti } from '../kernel';
import { type Attempt } from './failure';
import { functionNotFound } from './kernel-functions';
import { matchTraceable, traceableNames } from './traceable';

/**
 * What the kernel is told of names and patterns. Names go as they are, as long as each is that of one function: of
 * several the kernel would take one. Else it is told addresses, in rising order, each once.
 *
 * @param cookies one for each of the wanted; a function that fits several has that of the first
 * @throws BpfError FUNCTION_NOT_FOUND, ATTACH_FAILED where the kernel does not list its functions
 */
export function kprobePlaces(
  attempt: Attempt,
  wanted: readonly string[],
  cookies: readonly bigint[] | undefined,
): Pick<KprobeMulti, 'functions' | 'addresses' | 'cookies'> {
  if (!wanted.some(isGlob) && !shareNames(wanted)) return { functions: wanted, cookies };
  const found = new Map<bigint, bigint>();
  for (const [index, [text, addresses]] of matchTraceable(attempt, wanted).entries()) {
    if (addresses.length === 0) throw notTraceable(attempt, [text]);
    for (const address of addresses) if (!found.has(address)) found.set(address, cookies?.[index] ?? 0n);
  }
  const places = [...found].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    addresses: places.map(([address]) => address),
    cookies: cookies && places.map(([, cookie]) => cookie),
  };
}

/** Whether several functions have one of the names, as far as the kernel lists them. */
function shareNames(wanted: readonly string[]): boolean {
  const left = new Set(wanted);
  const met = new Set<string>();
  for (const name of traceableNames() ?? []) {
    if (!left.has(name)) continue;
    if (met.has(name)) return true;
    met.add(name);
  }
  return false;
}

/** The error for the first of some names and patterns that no function has which can be traced. */
export function notTraceable(attempt: Attempt, wanted: readonly string[]): BpfError {
  const traceable = new Set(traceableNames());
  const missing = wanted.find((name) => !isGlob(name) && !traceable.has(name)) ?? wanted[0]!;
  return functionNotFound(attempt, missing, traceable.size > 0 ? [...traceable] : undefined);
}
