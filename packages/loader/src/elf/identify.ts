import { decodeText } from '../bytes';

/** First bytes of the files that are handed in instead of an object, with what to call them. */
const magics: readonly (readonly [magic: readonly number[], name: string])[] = [
  [[0x42, 0x43, 0xc0, 0xde], 'LLVM bitcode (compile with -c, without -emit-llvm)'],
  [[0x0b, 0x17, 0xc0, 0xde], 'LLVM bitcode (compile with -c, without -emit-llvm)'],
  [[0x21, 0x3c, 0x61, 0x72, 0x63, 0x68, 0x3e], 'an ar archive (give the objects in it one by one)'],
  [[0x1f, 0x8b], 'a gzip file'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'a zstd file'],
  [[0x50, 0x4b, 0x03, 0x04], 'a zip file'],
  [[0x9f, 0xeb], 'raw BTF without an object around it'],
  [[0xeb, 0x9f], 'raw BTF without an object around it'],
  [[0x00, 0x61, 0x73, 0x6d], 'a WebAssembly module'],
  [[0xcf, 0xfa, 0xed, 0xfe], 'a Mach-O file'],
  [[0x4d, 0x5a], 'a Windows executable'],
];

/**
 * What a file is that is no ELF file, in words for a message: `a text file that starts "#include <linux/bpf.h>"`.
 *
 * @param bytes the whole file
 */
export function identify(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'an empty file';
  const known = magics.find(([magic]) => magic.every((byte, i) => bytes[i] === byte));
  if (known) return known[1];
  const head = bytes.subarray(0, 256);
  const text = head.every((byte) => byte >= 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d);
  if (text) {
    const line = decodeText(head, 0, head.length).trimStart().split(/\r?\n/)[0] ?? '';
    return `a text file that starts ${JSON.stringify(line.slice(0, 40))}`;
  }
  const hex = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0'));
  return `a file of ${bytes.length} bytes that starts ${hex.join(' ')}`;
}
