import { BpfError, bytesOfFile, sectionOf } from '@nx-bpf/loader';

/**
 * The types in a file: raw BTF as it is, or the `.BTF` section of a BPF object, of a vmlinux or of a module.
 *
 * @throws BpfError BTF_MISSING for a file without them, ELF_MALFORMED
 */
export function btfOf(bytes: Uint8Array, object: string): Uint8Array {
  const elf = bytes[0] === 0x7f && bytes[1] === 0x45;
  if (!elf) return bytes;
  const section = sectionOf(bytesOfFile(object, bytes), '.BTF');
  if (section === undefined) {
    throw new BpfError('BTF_MISSING', `${object} has no .BTF section`, {
      object,
      hint: 'name a file that bpftool or pahole wrote, or a kernel built with CONFIG_DEBUG_INFO_BTF',
    });
  }
  return section;
}
