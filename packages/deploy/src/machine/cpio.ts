/** A file of a guest: its bytes, or where a symbolic link leads. */
export type Entry = { readonly bytes: Uint8Array; readonly executable?: boolean } | { readonly link: string };

/** File types of `st_mode`. */
const type = { directory: 0o040000, file: 0o100000, link: 0o120000 };

/**
 * A cpio archive of the kind that the kernel unpacks into its first file system ("newc", described in the kernel's
 * Documentation/driver-api/early-userspace/buffer-format.rst). The directories of every path are added.
 *
 * @param entries by path in the guest, without a leading slash
 * @returns parts, to be written one after the other
 */
export function archive(entries: ReadonlyMap<string, Entry>): Uint8Array[] {
  const members: (readonly [string, number, Uint8Array])[] = [
    ...parents(entries.keys()).map(
      (name) => [name, type.directory | 0o755, new Uint8Array()] satisfies [string, number, Uint8Array],
    ),
    ...[...entries].map(([name, entry]): [string, number, Uint8Array] =>
      'link' in entry
        ? [name, type.link | 0o777, Buffer.from(entry.link)]
        : [name, type.file | (entry.executable === true ? 0o755 : 0o644), entry.bytes],
    ),
    ['TRAILER!!!', 0, new Uint8Array()],
  ];
  return members.flatMap(([name, mode, bytes], index) => member(index + 1, name, mode, bytes));
}

/** The directories that lead to some paths, each before those inside it. */
function parents(names: Iterable<string>): string[] {
  const found = new Set<string>();
  for (const name of names) {
    for (let end = name.indexOf('/'); end > 0; end = name.indexOf('/', end + 1))
      found.add(name.slice(0, end));
  }
  return [...found].sort();
}

function member(inode: number, name: string, mode: number, bytes: Uint8Array): Uint8Array[] {
  const fields = [inode, mode, 0, 0, 1, 0, bytes.length, 0, 0, 0, 0, Buffer.byteLength(name) + 1, 0];
  const numbers = fields.map((field) => field.toString(16).padStart(8, '0')).join('');
  const header = Buffer.from(`070701${numbers}${name}\0`);
  return [header, padding(header.length), bytes, padding(bytes.length)];
}

/** Headers with their names, and contents, each end at a multiple of 4. */
function padding(length: number): Uint8Array {
  return new Uint8Array(-length & 3);
}
