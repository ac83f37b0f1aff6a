import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {
  BpfError,
  BtfKind,
  type Btf,
  kernelIdentity,
  moduleIdentities,
  objectDigest,
  parseKernelConfig,
  runningKernel,
  versionCodeOf,
  type TargetKernel,
} from '@nx-bpf/loader';
import { checkKernelLock, lockedName, type KernelLock } from '../bundle';
import { type KernelConfig } from '../manifest';
import { readBtfHub } from './btfhub';
import { packagedKernel } from './debian-package';
import { decompress } from './decompress';
import { readKernelImage } from './kernel-image';
import { kernelTypes } from './kernel-types';
import { ModuleTypes } from './module-types';

/** A kernel of the manifest, ready to be asked. */
export interface NamedKernel {
  readonly name: string;
  readonly required: boolean;
  /** Where its types come from, for people: a package and its version, a path, `the running kernel`. */
  readonly source: string;
  /** As `uname -r` says there; undefined where only types are known. */
  readonly release: string | undefined;
  /** SHA-256 of all that is known of it: with the same one, every answer is the same. */
  readonly identity: string;
  /** SHA-256 of the package or file. */
  readonly sha256: string | undefined;
  /** Its types are read when it is first asked. */
  readonly target: TargetKernel;
}

/** The kernel that is looked at where a manifest names none. */
export const runningOnly: Readonly<Record<string, KernelConfig>> = {
  running: {
    btf: { running: true },
    image: undefined,
    modules: undefined,
    config: undefined,
    required: true,
  },
};

/**
 * Finds a kernel of the manifest: its file, its package (downloaded if it is not in the user's cache), or the one that
 * runs here.
 *
 * @param lock what the lock file says of packages
 * @throws BpfError FILE, BTF_MISSING, TOOLCHAIN_NOT_FOUND, KERNEL_BTF_MISSING, LOCK_MISMATCH
 */
export async function openKernel(
  name: string,
  config: KernelConfig,
  note: (text: string) => void,
  lock: KernelLock = { kernels: {}, frozen: false },
): Promise<NamedKernel> {
  const { btf, required } = config;
  const named = { name, required };
  if ('running' in btf) return { ...named, ...running(config) };
  if ('package' in btf) return { ...named, ...packaged(btf.package, config, { note, lock }) };
  return { ...named, ...(await ofFile(btf.file, config)) };
}

type Found = Omit<NamedKernel, 'name' | 'required'>;

function running({ config }: KernelConfig): Found {
  const kernel = runningKernel();
  const kconfig = config === undefined ? kernel.kconfig! : lazy(() => readConfig(config));
  const { buildId, release } = kernelIdentity();
  const types = buildId ?? objectDigest(kernel.btf().bytes);
  return {
    source: 'the running kernel',
    release,
    identity: digest([types, moduleIdentities(), [...kconfig()]]),
    sha256: undefined,
    target: { ...kernel, kconfig },
  };
}

interface Packages {
  readonly note: (text: string) => void;
  readonly lock: KernelLock;
}

function packaged(pattern: string, { config }: KernelConfig, { note, lock }: Packages): Found {
  const kernel = packagedKernel(lockedName(lock, pattern), note);
  checkKernelLock(lock, pattern, kernel, note);
  const { directory, package: name, version, sha256, banner } = kernel;
  const file = config ?? path.join(directory, 'config');
  const btf = lazy(() => kernelTypes(read(path.join(directory, 'vmlinux.btf')), sha256, name));
  const modules = lazy(() => new ModuleTypes(directory));
  return {
    source: `${name} ${version}`,
    release: releaseOf(banner ?? undefined),
    identity: digest([sha256, objectDigest(read(file))]),
    sha256,
    target: {
      btf,
      moduleNames: () => modules().names,
      moduleBtf: (module) => modules().btf(module, btf()),
      kconfig: lazy(() => readConfig(file)),
      virtual: virtualOf(btf, banner ?? undefined),
    },
  };
}

async function ofFile(file: string, { config }: KernelConfig): Promise<Found> {
  const bytes = read(file);
  const sha256 = objectDigest(bytes);
  const content = file.endsWith('.tar.xz') ? await readBtfHub(bytes, file) : bytes;
  const image = lazy(() => readKernelImage(content, file));
  const btf = lazy(() => kernelTypes(image().btf, sha256, file));
  return {
    source: file,
    release: undefined,
    identity: digest([sha256, config === undefined ? null : objectDigest(read(config))]),
    sha256,
    target: {
      btf,
      ...(config !== undefined && { kconfig: lazy(() => readConfig(config)) }),
      virtual: (name) => virtualOf(btf, image().banner)(name),
    },
  };
}

/** What libbpf calls virtual externs, out of what a kernel's file says. */
function virtualOf(btf: () => Btf, banner: string | undefined): NonNullable<TargetKernel['virtual']> {
  return (name) => {
    switch (name) {
      case 'LINUX_KERNEL_VERSION': {
        const code = banner && versionCodeOf(releaseOf(banner) ?? '', banner);
        return code === undefined || code === '' ? undefined : BigInt(code);
      }
      case 'LINUX_HAS_BPF_COOKIE':
        return hasValue(btf(), 'bpf_func_id', 'BPF_FUNC_get_attach_cookie') ? 1n : 0n;
      case 'LINUX_HAS_SYSCALL_WRAPPER':
        return wrappers.some((function_) => btf().find(function_, BtfKind.FUNC) !== 0) ? 1n : 0n;
      default:
        return undefined;
    }
  };
}

/** bpf(2) as processors whose system calls take a pt_regs call it (Linux 4.17). */
const wrappers = ['__x64_sys_bpf', '__arm64_sys_bpf', '__riscv_sys_bpf'];

function hasValue(btf: Btf, name: string, value: string): boolean {
  const id = btf.find(name, BtfKind.ENUM);
  if (id === 0) return false;
  return Array.from({ length: btf.vlen(id) }, (_, i) => btf.enumName(id, i)).includes(value);
}

function releaseOf(banner: string | undefined): string | undefined {
  return banner === undefined ? undefined : /^Linux version (\S+)/.exec(banner)?.[1];
}

function readConfig(file: string): ReadonlyMap<string, string> {
  return parseKernelConfig(Buffer.from(decompress(read(file), file)).toString('utf8'));
}

function read(file: string): Uint8Array {
  try {
    return fs.readFileSync(file);
  } catch (cause) {
    throw new BpfError(
      'FILE',
      `${file} cannot be read: ${(cause as Error).message}`,
      { path: file, hint: 'it is named under kernels in the manifest' },
      cause,
    );
  }
}

function digest(value: unknown): string {
  return objectDigest(Buffer.from(JSON.stringify([os.arch(), value])));
}

function lazy<T>(compute: () => T): () => T {
  let value: { readonly it: T } | undefined;
  return () => (value ??= { it: compute() }).it;
}
