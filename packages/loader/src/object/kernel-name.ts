/** `BPF_OBJ_NAME_LEN` of uapi/linux/bpf.h, without the NUL at its end. */
const MAX_LENGTH = 15;

/** What libbpf keeps free for the section's name, even where that is shorter. */
const SECTION_LENGTH = 7;

/**
 * The name that an object file's maps carry in the kernel: the file's name up to its first dot, as libbpf has it.
 *
 * @example
 * ```ts
 * objectName('build/edge.bpf.o'); // 'edge'
 * ```
 */
export function objectName(path: string): string {
  const file = path.slice(path.lastIndexOf('/') + 1);
  const dot = file.indexOf('.');
  return dot > 0 ? file.slice(0, dot) : file;
}

/**
 * What the kernel is given as the name of a program or map: at most 15 bytes of [A-Za-z0-9_.].
 *
 * @example
 * ```ts
 * kernelName('a_rather_long_name'); // 'a_rather_long_n'
 * ```
 */
export function kernelName(name: string): string {
  return sanitize(utf8.encode(name).subarray(0, MAX_LENGTH));
}

/**
 * The kernel's name of a data section's map. As libbpf 1.x has it: 8 bytes of the object's name (7 where the
 * section's is `.kconfig`) and the section's name; a section of one's own (`.data.flows`) keeps its name alone.
 *
 * @example
 * ```ts
 * dataMapName('edge_router', '.rodata'); // 'edge_rou.rodata'
 * dataMapName('edge_router', '.data.flows'); // '.data.flows'
 * ```
 */
export function dataMapName(object: string, section: string): string {
  const suffix = utf8.encode(section).subarray(0, MAX_LENGTH);
  const room = MAX_LENGTH - Math.max(SECTION_LENGTH, suffix.length);
  const prefix = section.indexOf('.', 1) > 0 ? new Uint8Array() : utf8.encode(object).subarray(0, room);
  return sanitize(prefix) + sanitize(suffix);
}

const utf8 = new TextEncoder();

/** Byte by byte, so that a letter of two bytes becomes two underscores and lengths stay bytes. */
function sanitize(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => {
    const character = String.fromCharCode(byte);
    return /[A-Za-z0-9_.]/.test(character) ? character : '_';
  }).join('');
}
