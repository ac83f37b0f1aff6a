import { BpfError, bytesOfFile, sectionOf } from '@nx-bpf/loader';
import { decompress, mostOf } from './decompress';

/** What a kernel's file says of itself. */
export interface KernelImage {
  /** BTF of vmlinux. */
  readonly btf: Uint8Array;
  /** `Linux version 6.1.0-56-cloud-amd64 (...) ... Debian 6.1.192-2 (...)`; undefined where only types are known. */
  readonly banner: string | undefined;
}

/** Of the setup header that a bzImage has at its start. Source: Documentation/arch/x86/boot.rst. */
const SETUP_SECTORS = 0x1f1;
const SETUP_MAGIC = 0x202;
const SETUP_VERSION = 0x206;
const PAYLOAD_OFFSET = 0x248;
const PAYLOAD_LENGTH = 0x24c;
const SETUP_END = 0x250;
/** Boot protocol 2.08 brought where the payload is. */
const WITH_PAYLOAD = 0x208;
const SECTOR = 512;

/** `0xeb9f` of struct btf_header, version 1, flags 0, length 24, in little endian. */
const BTF_HEADER = Buffer.from([0x9f, 0xeb, 0x01, 0x00, 0x18, 0x00, 0x00, 0x00]);
const GZIP = [0x1f, 0x8b];

/**
 * The types of a kernel out of the file it boots from, or out of another that has them: a bzImage of x86, a plain or
 * gzipped Image of other processors, vmlinux, raw BTF; each compressed or not.
 *
 * @throws BpfError BTF_MISSING, FILE, TOOLCHAIN_NOT_FOUND, ELF_MALFORMED
 */
export function readKernelImage(file: Uint8Array, name: string): KernelImage {
  const most = mostOf(file.length);
  const bytes = payloadOf(decompress(file, name, most), name, most);
  if (bytes[0] === 0x9f && bytes[1] === 0xeb) return { btf: bytes, banner: undefined };
  const elf = bytes[0] === 0x7f && bytes[1] === 0x45;
  const btf = elf ? sectionOf(bytesOfFile(name, bytes), '.BTF') : btfWithin(bytes);
  if (btf === undefined) {
    throw new BpfError('BTF_MISSING', `${name}: no types of a kernel are in it`, {
      path: name,
      expected: 'BTF, a vmlinux or a kernel image with a section .BTF, or a .tar.xz with one',
      hint: 'kernels have types if they are built with CONFIG_DEBUG_INFO_BTF',
    });
  }
  return { btf, banner: bannerOf(bytes) };
}

/** What is packed into a bzImage; other bytes as they are. */
function payloadOf(bytes: Uint8Array, name: string, most: number): Uint8Array {
  if (bytes.length < SETUP_END) return bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const setup = Buffer.from(bytes.subarray(SETUP_MAGIC, SETUP_MAGIC + 4)).toString('latin1');
  if (setup !== 'HdrS' || view.getUint16(SETUP_VERSION, true) < WITH_PAYLOAD) return bytes;
  const sectors = bytes[SETUP_SECTORS] === 0 ? 4 : bytes[SETUP_SECTORS]!;
  const start = (sectors + 1) * SECTOR + view.getUint32(PAYLOAD_OFFSET, true);
  const end = start + view.getUint32(PAYLOAD_LENGTH, true);
  if (end > bytes.length) {
    throw new BpfError('FILE', `${name} is cut short: its payload ends at ${end} of ${bytes.length} bytes`, {
      path: name,
    });
  }
  const payload = bytes.subarray(start, end);
  // The build appends the size of what is in it, which is part of gzip's own format but of no other.
  const gzip = GZIP.every((byte, i) => payload[i] === byte);
  return decompress(gzip ? payload : payload.subarray(0, -4), name, most);
}

/** BTF somewhere in an image that has no sections: its header, with tables that lie inside. */
function btfWithin(bytes: Uint8Array): Uint8Array | undefined {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = all.indexOf(BTF_HEADER); at >= 0; at = all.indexOf(BTF_HEADER, at + 1)) {
    if (at + 24 > all.length) return undefined;
    const [typeStart, types, stringStart, strings] = [8, 12, 16, 20].map((field) =>
      all.readUInt32LE(at + field),
    );
    const end = at + 24 + stringStart! + strings!;
    if (typeStart === 0 && stringStart === types && types! > 0 && end <= all.length) {
      return bytes.subarray(at, end);
    }
  }
  return undefined;
}

function bannerOf(bytes: Uint8Array): string | undefined {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = all.indexOf('Linux version '); at >= 0; at = all.indexOf('Linux version ', at + 1)) {
    const text = /^Linux version \d+\.[ -~]*/.exec(all.toString('latin1', at, at + 512));
    if (text !== null) return text[0];
  }
  return undefined;
}
