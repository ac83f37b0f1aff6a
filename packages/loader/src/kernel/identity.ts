import { readFileSync } from 'node:fs';
import { release, version } from 'node:os';
import { BpfError } from '../errors';
import { readQuickly } from './file-status';
import { moduleBtfBytes, moduleBtfNames } from './kernel-btf';

/** What tells one kernel build from another. */
export interface KernelIdentity {
  /** GNU build id of vmlinux, hexadecimal; undefined for a kernel that was linked without one. */
  readonly buildId: string | undefined;
  /** `uname -r`: for people. Two builds can share it. */
  readonly release: string;
}

/**
 * The running kernel: its GNU build id from /sys/kernel/notes, and its release.
 *
 * @example
 * ```ts
 * kernelIdentity().buildId; // such as 'e4f18d9dc1d0e6fc2b17e93e885a647b3c0a6fc1'
 * ```
 */
export function kernelIdentity(): KernelIdentity {
  // Absent where sysfs is not mounted.
  identity ??= {
    buildId: buildIdOf(readQuickly('/sys/kernel/notes', 65536) ?? new Uint8Array(0)),
    release: release(),
  };
  return identity;
}

let identity: KernelIdentity | undefined;

const NT_GNU_BUILD_ID = 3;

/**
 * The GNU build id among ELF notes: 12-byte headers (name size, descriptor size, type), name and descriptor padded
 * to 4 bytes. Notes that do not end inside the bytes end the search.
 */
export function buildIdOf(notes: Uint8Array): string | undefined {
  const view = new DataView(notes.buffer, notes.byteOffset, notes.byteLength);
  const padded = (size: number) => Math.ceil(size / 4) * 4;
  for (let at = 0; at + 12 <= notes.length;) {
    const nameSize = view.getUint32(at, true);
    const size = view.getUint32(at + 4, true);
    const start = at + 12 + padded(nameSize);
    if (start + size > notes.length) return undefined;
    const name = Buffer.from(notes.subarray(at + 12, at + 12 + nameSize)).toString('latin1');
    if (name === 'GNU\0' && view.getUint32(at + 8, true) === NT_GNU_BUILD_ID) {
      return Buffer.from(notes.subarray(start, start + size)).toString('hex');
    }
    at = start + padded(size);
  }
  return undefined;
}

/** `KERNEL_VERSION(a, b, c)` of linux/version.h, where the last number stops at 255. */
function versionCode(major: number, minor: number, patch: number): number {
  return major * 65536 + minor * 256 + Math.min(patch, 255);
}

/**
 * `LINUX_VERSION_CODE` of the running kernel. Distributions that freeze `uname -r` say elsewhere which version they
 * really are: Ubuntu in /proc/version_signature, Debian in `uname -v`.
 *
 * @example
 * ```ts
 * kernelVersionCode() >> 16; // 6
 * ```
 */
export function kernelVersionCode(): number {
  const signed = / (\d+)\.(\d+)\.(\d+)$/.exec(ubuntuSignature());
  if (signed !== null) return versionCode(Number(signed[1]), Number(signed[2]), Number(signed[3]));
  const code = versionCodeOf(release(), version());
  if (code === undefined)
    throw new BpfError('INTERNAL', `the kernel's release '${release()}' has no version in it`);
  return code;
}

/**
 * `LINUX_VERSION_CODE` of a kernel by what `uname -r` and `uname -v` say there; undefined where neither says it.
 *
 * @example
 * ```ts
 * versionCodeOf('6.1.0-56-amd64', '#1 SMP Debian 6.1.192-2'); // 0x601c0
 * ```
 */
export function versionCodeOf(release: string, version: string): number | undefined {
  const match = / Debian (\d+)\.(\d+)\.(\d+)/.exec(version) ?? /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(release);
  return match === null ? undefined : versionCode(Number(match[1]), Number(match[2]), Number(match[3] ?? 0));
}

function ubuntuSignature(): string {
  try {
    return readFileSync('/proc/version_signature', 'latin1').trim();
  } catch {
    return '';
  }
}

/**
 * The loaded modules that have types, each with what tells its builds apart: its GNU build id, or where it has none
 * the size of its types.
 *
 * @example
 * ```ts
 * moduleIdentities(); // a digest for each module: such as { nf_tables: '6a1c...' }
 * ```
 */
export function moduleIdentities(): Record<string, string> {
  return Object.fromEntries(moduleBtfNames().map((name) => [name, moduleIdentity(name)]));
}

function moduleIdentity(name: string): string {
  try {
    const id = buildIdOf(readFileSync(`/sys/module/${name}/notes/.note.gnu.build-id`));
    if (id !== undefined) return id;
  } catch {
    // Built without a build id: its types tell about as much.
  }
  return `${moduleBtfBytes(name)?.length ?? 0} bytes`;
}
