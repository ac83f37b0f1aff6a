import { readFileSync } from 'node:fs';
import path from 'node:path';
import { globPattern, isGlob } from '../bytes';
import { BpfError } from '../errors';
import { findTracefs, functionAddresses } from '../kernel';
import { type Attempt } from './failure';

/**
 * Names of the functions that ftrace can trace, in its order: a name that several functions share is there several
 * times. undefined where tracefs is not mounted, may not be read, or the kernel has no function tracer.
 */
export function traceableNames(): string[] | undefined {
  // Lines `NAME`, with ` [MODULE]` behind those of modules.
  return readTracefs('available_filter_functions')?.match(/^\S+/gm) ?? undefined;
}

/**
 * Where the functions are that names and patterns fit, in the order of the wanted; none where nothing fits.
 *
 * @throws BpfError ATTACH_FAILED where the kernel does not list them, PRIVILEGE_MISSING
 */
export function matchTraceable(attempt: Attempt, wanted: readonly string[]): [string, bigint[]][] {
  const patterns = wanted.map((each) => [each, isGlob(each) ? globPattern(each) : undefined] as const);
  const fits = (name: string): boolean =>
    patterns.some(([text, pattern]) => pattern?.test(name) ?? text === name);
  const listed = readTracefs('available_filter_functions_addrs');
  const functions =
    listed === undefined ? byName(attempt, fits) : parseAddresses(listed).filter(({ name }) => fits(name));
  return patterns.map(([text, pattern]) => {
    const those = functions.filter(({ name }) => pattern?.test(name) ?? text === name);
    return [text, those.map(({ address }) => address)];
  });
}

interface TraceableFunction {
  readonly name: string;
  readonly address: bigint;
}

/** Lines `ffffffff81000000 NAME` with ` [MODULE]` behind those of modules (Linux 6.5). */
export function parseAddresses(text: string): TraceableFunction[] {
  return Array.from(text.matchAll(/^([0-9a-f]+) (\S+)/gm), ([, address, name]) => ({
    name: name!,
    address: BigInt(`0x${address}`),
  }));
}

/**
 * Before Linux 6.5 the list has no addresses: they are those of the names in /proc/kallsyms. A name of several functions
 * of which not all can be traced is left out, since nothing tells which of them can.
 */
function byName(attempt: Attempt, fits: (name: string) => boolean): TraceableFunction[] {
  const names = traceableNames();
  if (names === undefined) throw noList(attempt);
  return withAddresses(names.filter(fits), functionAddresses);
}

/** @param addresses of all functions that have one of some names */
export function withAddresses(
  names: readonly string[],
  addresses: (names: ReadonlySet<string>) => ReadonlyMap<string, readonly bigint[]>,
): TraceableFunction[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const found = addresses(new Set(counts.keys()));
  return [...counts].flatMap(([name, count]) => {
    const those = found.get(name) ?? [];
    return those.length === count ? those.map((address) => ({ name, address })) : [];
  });
}

function noList({ program, where }: Attempt): BpfError {
  const tracefs = findTracefs();
  return new BpfError(
    'ATTACH_FAILED',
    `program '${program.name}': attach to ${where}: the kernel's functions are not listed`,
    {
      program: program.name,
      path: 'available_filter_functions',
      hint:
        tracefs === undefined
          ? 'mount tracefs: `mount -t tracefs tracefs /sys/kernel/tracing`'
          : `the kernel is built without CONFIG_FUNCTION_TRACER or locked down, or ${tracefs} is closed to this user`,
    },
  );
}

function readTracefs(file: string): string | undefined {
  const tracefs = findTracefs();
  if (tracefs === undefined) return undefined;
  try {
    return readFileSync(path.join(tracefs, file), 'latin1');
  } catch {
    return undefined;
  }
}
