import { BTF_INFO } from './info-layouts';
import { requireInfo } from './info';
import { decode, encode, textAt } from './layout';

/** What the kernel says about a BTF object. */
export interface BtfInfo {
  readonly id: number;
  /** `vmlinux`, a module's name, or '' for BTF that a program or map brought along. */
  readonly name: string;
  /** The kernel's own, or a module's. */
  readonly kernel: boolean;
  /** Bytes. */
  readonly size: number;
}

/** Module names are shorter than 64 bytes (MODULE_NAME_LEN). */
const nameSpace = 64;

/**
 * What the kernel says about the BTF object behind an fd.
 *
 * @throws BpfError SYSCALL_FAILED
 *
 * @example
 * ```ts
 * withObject('btf', programInfo(programFd).btfId, (fd) => btfInfo(fd).kernel); // false, an object's
 * ```
 */
export function btfInfo(fd: number): BtfInfo {
  const name = new Uint8Array(nameSpace);
  const request = encode(BTF_INFO, { name, name_len: nameSpace });
  requireInfo(fd, request.bytes);
  const info = decode(BTF_INFO, request.bytes);
  return {
    id: info.id,
    name: textAt(name, 0, nameSpace),
    kernel: info.kernel_btf === 1,
    size: info.btf_size,
  };
}

/**
 * The types of a BTF object as the kernel holds them; a module's refer to vmlinux's.
 *
 * @example
 * ```ts
 * const btf = withObject('btf', programInfo(programFd).btfId, (fd) => Btf.parse(btfBytes(fd)));
 * btf?.find('exec_event', BtfKind.STRUCT);
 * ```
 */
export function btfBytes(fd: number): Uint8Array {
  const { size } = btfInfo(fd);
  const btf = new Uint8Array(size);
  const request = encode(BTF_INFO, { btf, btf_size: size });
  requireInfo(fd, request.bytes);
  return btf;
}
