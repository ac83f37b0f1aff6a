import { usdtProbes, type UsdtProbe } from '../elf';
import { BpfError, nearest } from '../errors';
import { closeFd, fdById, features, hasFeature, lookAtNew, mapInfo, programInfo } from '../kernel';
import { AttachType, ProgramType } from '../object';
import { type EventLink } from './event-link';
import { findBinary } from './find-binary';
import { type Link } from './link';
import { type AttachableProgram } from './program';
import { readBinary } from './read-binary';
import { requireType } from './require-type';
import { attachUserProbe } from './uprobe';
import { attachUserProbes } from './uprobe-multi';
import { hex } from './user-place';
import { parseUsdtArguments } from './usdt-arguments';
import { addressesOf, writeAddresses, type AddressEntries } from './usdt-addresses';
import { UsdtLink, UsdtLinks } from './usdt-link';
import { releaseSlot, takeSlot, type SpecMap } from './usdt-slots';
import { encodeSpec, specLayout } from './usdt-spec';

export interface UsdtOptions {
  /** A path, or a bare name: a library that ld.so finds, or a program in PATH; by default the section name's. */
  readonly binary?: string | undefined;
  /** Who made the probe, and its name; by default the section name's. */
  readonly provider?: string | undefined;
  readonly name?: string | undefined;
  /** Only in this process; in every one by default. */
  readonly pid?: number | undefined;
  /** What bpf_usdt_cookie() returns to the program; to one without usdt.bpf.h, bpf_get_attach_cookie(). */
  readonly cookie?: bigint | undefined;
}

/** As the kernel keeps the names of usdt.bpf.h's maps: of argument specs, and of places by their addresses. */
const specMapName = '__bpf_usdt_specs'.slice(0, 15);
const addressMapName = '__bpf_usdt_ip_to_spec_id'.slice(0, 15);

/**
 * Attach a program to a USDT probe: to every place of a binary that its author marked with this name (Linux 5.15). The
 * program's bpf_usdt_arg() finds the arguments of each place; the counters by which the traced program sees that
 * somebody listens are one more as long as the link is there. Before 5.15 the program tells the places apart by their
 * addresses, which takes a pid, unless the binary is an executable that is not moved.
 *
 * @returns one link where the kernel has links of many uprobes (Linux 6.6); else one for each place, which are pinned
 *   together in a directory
 * @throws BpfError BINARY_NOT_FOUND, BINARY_UNSUPPORTED, ELF_MALFORMED, USDT_NOT_FOUND with the nearest names,
 *   USDT_UNSUPPORTED for arguments that the program cannot be told, PRIVILEGE_MISSING, ATTACH_FAILED
 *
 * @example
 * ```ts
 * const link = attachUsdt(program, { binary: './traced', provider: 'demo', name: 'watched', cookie: 7n });
 * ```
 */
export function attachUsdt(program: AttachableProgram, options: UsdtOptions = {}): UsdtLink | UsdtLinks {
  return attachProbe(program, options, hasFeature(features.cookie) !== false);
}

/**
 * @param cookies whether the kernel has cookies, by which the program tells the places of a probe apart (Linux 5.15);
 *   else it does so by their addresses
 */
export function attachProbe(
  program: AttachableProgram,
  options: UsdtOptions,
  cookies: boolean,
): UsdtLink | UsdtLinks {
  requireType(program, 'usdt', [ProgramType.kprobe]);
  const { pid, cookie } = options;
  const { binary, provider, name } = wantedProbe(program, options);
  const file = findBinary(binary, { pid });
  const { probes, elf } = readBinary(file, (binary) => ({ probes: usdtProbes(binary), elf: binary }));
  const places = probes.filter((probe) => probe.provider === provider && probe.name === name);
  if (places.length === 0) throw notFound(program, file, `${provider}:${name}`, probes);
  const where = `usdt ${file}:${provider}:${name}${pid === undefined ? '' : ` of process ${pid}`}`;
  const addresses = () =>
    addressesOf(
      elf,
      places.map(({ offset }) => offset),
      pid,
    );
  const told = tell(program, places, {
    machine: elf.machine,
    cookie,
    addresses: cookies ? undefined : addresses,
  });
  try {
    return attachPlaces(program, { where, file, pid, places, told });
  } catch (error) {
    told.release(true);
    throw error;
  }
}

/** What a program is told of the places of a probe. */
interface Told {
  /** A cookie for each place; undefined for none. */
  readonly cookies: readonly bigint[] | undefined;
  readonly release: (gone: boolean) => void;
}

interface Attaching {
  readonly where: string;
  readonly file: string;
  readonly pid: number | undefined;
  readonly places: readonly UsdtProbe[];
  readonly told: Told;
}

function attachPlaces(program: AttachableProgram, attaching: Attaching): UsdtLink | UsdtLinks {
  const { where, file, pid, places, told } = attaching;
  const { attachType = hasFeature(features.uprobeMulti) === true ? AttachType.trace_uprobe_multi : 0 } =
    program;
  if (attachType === AttachType.trace_uprobe_multi) {
    const fd = attachUserProbes(program, {
      ...{ hook: 'usdt', where, file, pid },
      offsets: places.map(({ offset }) => BigInt(offset)),
      referenceCounters: places.map(({ semaphore = 0 }) => BigInt(semaphore)),
      cookies: told.cookies,
    });
    return new UsdtLink(fd, where, told.release);
  }
  const parts: (Link | EventLink)[] = [];
  try {
    for (const [i, { offset, semaphore }] of places.entries()) {
      const at = { hook: 'uprobe', where: `${where} at ${hex(offset)}`, file, offset, pid } as const;
      const cookie = told.cookies?.[i];
      parts.push(attachUserProbe(program, { ...at, referenceCounter: semaphore, cookie, mode: 'auto' }));
    }
  } catch (error) {
    for (const part of parts) part.close();
    throw error;
  }
  return new UsdtLinks(parts, where, told.release);
}

/** Writes for each place where its arguments are, once for all that have the same. */
function tell(
  program: AttachableProgram,
  places: readonly UsdtProbe[],
  how: {
    readonly machine: number;
    readonly cookie: bigint | undefined;
    /** Where the places are in memory, if that is what tells them apart. */
    readonly addresses: (() => readonly bigint[]) | undefined;
  },
): Told {
  const { machine, cookie, addresses } = how;
  const map = mapOf(program, specMapName);
  if (map === undefined) {
    // The program asks for no arguments: then the cookie needs no detour.
    return { cookies: cookie === undefined ? undefined : places.map(() => cookie), release: () => undefined };
  }
  const slots = new Map<string, number>();
  let byAddress: AddressEntries | undefined;
  const release = (gone: boolean): void => {
    byAddress?.release(gone);
    if (gone) for (const slot of slots.values()) releaseSlot(map, slot);
    closeFd(map.fd);
  };
  try {
    const layout = specLayout(map.fd);
    for (const { arguments: text } of places) {
      if (slots.has(text)) continue;
      const spec = encodeSpec(layout, text, parseUsdtArguments(text, machine), cookie ?? 0n);
      slots.set(text, takeSlot(map, spec));
    }
    const numbers = places.map((place) => slots.get(place.arguments)!);
    if (addresses === undefined) return { cookies: numbers.map(BigInt), release };
    const where = addresses();
    const entries = mapOf(program, addressMapName);
    if (entries !== undefined) byAddress = writeAddresses(entries.fd, where, numbers);
    return { cookies: undefined, release };
  } catch (error) {
    release(true);
    throw error instanceof BpfError ? error.with({ program: program.name }) : error;
  }
}

/** A map that a program uses, by the name that the kernel keeps: opened. undefined if it uses none of that name. */
function mapOf(program: AttachableProgram, wanted: string): SpecMap | undefined {
  for (const id of programInfo(program.fd).mapIds) {
    const fd = fdById('map', id);
    if (fd === undefined) continue;
    const { name, maxEntries } = lookAtNew(fd, mapInfo);
    if (name === wanted) return { fd, id, maxEntries };
    closeFd(fd);
  }
  return undefined;
}

interface Wanted {
  readonly binary: string;
  readonly provider: string;
  readonly name: string;
}

/** What options say, and the section name where they leave it out: `usdt/BINARY:PROVIDER:NAME`. */
function wantedProbe(program: AttachableProgram, options: UsdtOptions): Wanted {
  const said = /^([^:]+):([^:]+):([^:]+)$/.exec(program.target ?? '');
  const { binary = said?.[1], provider = said?.[2], name = said?.[3] } = options;
  if (binary !== undefined && provider !== undefined && name !== undefined) return { binary, provider, name };
  throw new BpfError('ATTACH_FAILED', `program '${program.name}': attach to usdt: no probe is given`, {
    program: program.name,
    ...(program.target !== undefined && said === null && { found: `'${program.target}'` }),
    expected: 'a binary, a provider and a name',
    hint: "or name them in the program's section: usdt/BINARY:PROVIDER:NAME",
  });
}

function notFound(
  program: AttachableProgram,
  file: string,
  wanted: string,
  probes: readonly UsdtProbe[],
): BpfError {
  const known = [...new Set(probes.map(({ provider, name }) => `${provider}:${name}`))].sort();
  const near = nearest(wanted, known);
  return new BpfError('USDT_NOT_FOUND', `program '${program.name}': ${file} has no probe ${wanted}`, {
    program: program.name,
    path: file,
    symbol: wanted,
    ...(known.length === 0 && { found: 'a binary without USDT probes (no section .note.stapsdt)' }),
    hint:
      near.length > 0
        ? `did you mean ${near.join(' or ')}?`
        : known.length > 0
          ? `it has ${known.slice(0, 8).join(', ')}`
          : undefined,
  });
}
