import { readFileSync } from 'node:fs';
import { type Binary, ET_EXEC } from '../elf';
import { BpfError } from '../errors';
import { closeFd, mapDelete, mapUpdate } from '../kernel';

/**
 * Where places of a binary are in memory: of an executable that is not moved, where it says itself; of any other, where
 * one process has it.
 *
 * @param offsets in the file, of code
 * @throws BpfError USDT_UNSUPPORTED for a binary that each process has elsewhere, where none is given or it does not have
 *   the binary
 */
export function addressesOf(binary: Binary, offsets: readonly number[], pid: number | undefined): bigint[] {
  const file = binary.file.name;
  if (binary.type === ET_EXEC) {
    const segments = binary.segments.filter(({ executable }) => executable);
    return offsets.map((offset) => {
      const segment = segments.find((each) => offset >= each.offset && offset < each.offset + each.fileSize)!;
      return BigInt(offset - segment.offset + segment.address);
    });
  }
  if (pid === undefined)
    throw unknown(file, 'no process', 'a pid, since each process has it at another address');
  const mappings = codeMappings(mapsOf(pid)).filter(
    (each) => file === each.path || file.endsWith(`/root${each.path}`),
  );
  return offsets.map((offset) => {
    const mapping = mappings.find((each) => offset >= each.offset && offset < each.offset + each.size);
    if (mapping === undefined) throw unknown(file, `process ${pid}, which does not run it`, 'one that does');
    return mapping.start + BigInt(offset - mapping.offset);
  });
}

/** Entries of a map that tells the spec of a place by its address. */
export interface AddressEntries {
  /** Closes the map's fd; takes the entries out if nothing is attached any more. */
  readonly release: (gone: boolean) => void;
}

/** Fills usdt.bpf.h's `__bpf_usdt_ip_to_spec_id`. @param fd of the map, which goes over to the result, or is closed */
export function writeAddresses(
  fd: number,
  addresses: readonly bigint[],
  specs: readonly number[],
): AddressEntries {
  const keys = addresses.map((address) => new Uint8Array(BigUint64Array.of(address).buffer));
  const release = (gone: boolean): void => {
    if (gone) for (const key of keys) mapDelete(fd, key);
    closeFd(fd);
  };
  try {
    keys.forEach((key, i) => mapUpdate(fd, key, new Uint8Array(Uint32Array.of(specs[i]!).buffer)));
  } catch (error) {
    release(true);
    throw error;
  }
  return { release };
}

interface Mapping {
  readonly path: string;
  readonly start: bigint;
  readonly size: number;
  readonly offset: number;
}

/** '' of a process that has ended, or that may not be looked at. */
function mapsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/maps`, 'utf8');
  } catch {
    return '';
  }
}

/** The files whose code a process has in memory: lines of /proc/PID/maps (proc(5)). */
export function codeMappings(text: string): Mapping[] {
  const line = /^([0-9a-f]+)-([0-9a-f]+) ..x. ([0-9a-f]+) \S+ \d+ +(\/.*)$/gm;
  return Array.from(text.matchAll(line), ([, from, to, offset, path]) => {
    const start = BigInt(`0x${from!}`);
    return { path: path!, start, size: Number(BigInt(`0x${to!}`) - start), offset: parseInt(offset!, 16) };
  });
}

function unknown(file: string, found: string, expected: string): BpfError {
  return new BpfError(
    'USDT_UNSUPPORTED',
    `${file}: this kernel has no cookies (Linux 5.15), so a program tells places apart by their addresses`,
    { path: file, found, expected },
  );
}
