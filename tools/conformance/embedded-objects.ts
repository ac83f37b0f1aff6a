/** `e_machine` of BPF (include/uapi/linux/elf-em.h). */
const EM_BPF = 247;
const HEADER_SIZE = 64;
const magic = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]);

/**
 * The BPF objects in a file: the file itself if it is one, or those that an executable carries among its constants, as
 * bpftool's skeletons do. An object's end is that of its section headers, which are the last thing in it.
 */
export function embeddedObjects(file: Buffer): Buffer[] {
  const objects: Buffer[] = [];
  for (let at = file.indexOf(magic); at >= 0; at = file.indexOf(magic, at + 1)) {
    if (at + HEADER_SIZE > file.length || file.readUInt16LE(at + 18) !== EM_BPF) continue;
    const headers = Number(file.readBigUInt64LE(at + 40));
    const end = at + headers + file.readUInt16LE(at + 58) * file.readUInt16LE(at + 60);
    if (end <= file.length) objects.push(file.subarray(at, end));
  }
  return objects;
}
