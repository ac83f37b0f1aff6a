import { ByteView } from '../bytes';
import { BpfError } from '../errors';

/** How ld.so.cache begins since glibc 2.2; older ones have another table before it. */
const MAGIC = 'glibc-ld.so.cache1.1';
/** Bytes of its header, and of an entry: flags i32, name u32, path u32, system version u32, hwcap u64. */
const HEADER = 48;
const ENTRY = 24;

/** Flags of an entry for libraries of this processor: FLAG_ELF_LIBC6 and the processor's. */
const flagsOf: Readonly<Record<string, number>> = { x64: 0x0303, arm64: 0x0a03 };

/**
 * Where ld.so finds a library by its name, as /etc/ld.so.cache lists it; of several for one name the one that suits
 * every processor. Source of the format: sysdeps/generic/dl-cache.h of glibc.
 *
 * @param architecture as `process.arch` says it
 * @returns undefined for a library that is not listed, and for a file that is no such cache: ld.so passes over it too
 *
 * @example
 * ```ts
 * libraryInCache(readFileSync('/etc/ld.so.cache'), 'libc.so.6', 'x64'); // '/lib/x86_64-linux-gnu/libc.so.6'
 * ```
 */
export function libraryInCache(cache: Uint8Array, library: string, architecture: string): string | undefined {
  const start = Buffer.from(cache.buffer, cache.byteOffset, cache.byteLength).indexOf(MAGIC);
  const flags = flagsOf[architecture];
  if (start < 0 || flags === undefined) return undefined;
  try {
    const view = new ByteView(cache.subarray(start), true, { code: 'ELF_MALFORMED', object: 'ld.so.cache' });
    const count = Math.min(view.u32(20), Math.floor((view.length - HEADER) / ENTRY));
    const entries = Array.from({ length: count }, (_, i) => HEADER + i * ENTRY)
      .filter((at) => view.u32(at) === flags && view.text(view.u32(at + 4)) === library)
      .map((at) => ({ path: view.text(view.u32(at + 8)), anyProcessor: view.u64(at + 16) === 0n }));
    return (entries.find(({ anyProcessor }) => anyProcessor) ?? entries[0])?.path;
  } catch (error) {
    if (error instanceof BpfError) return undefined;
    throw error;
  }
}
