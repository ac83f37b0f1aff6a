import fs from 'node:fs';
import path from 'node:path';
import { BpfError, objectDigest } from '@nx-bpf/loader';
import { checkKernelLock, lockedName, type KernelLock } from '../bundle';
import { type BootKernel } from '../machine';
import { type KernelConfig } from '../manifest';
import { cachePath } from './cache-folder';
import { packagedKernel, unpackPackage } from './debian-package';
import { readKernelImage } from './kernel-image';

/** A kernel of the manifest that can be booted, and what tells it from others. */
export interface BootImage extends BootKernel {
  /** A package and its version, or a path, for people. */
  readonly source: string;
  /** SHA-256 of the package or of the image. */
  readonly sha256: string;
  /** It is a package: with the same digest all of it is the same, its modules, too. */
  readonly packaged: boolean;
}

/**
 * What is to be booted for a kernel of the manifest: its `image`, or else the Debian package that its types come from.
 * A package is unpacked into the user's cache.
 *
 * @returns undefined for a kernel of which only types are known
 * @throws BpfError FILE, TOOLCHAIN_NOT_FOUND, LOCK_MISMATCH
 */
export function bootImage(
  name: string,
  { btf, image, config, modules }: KernelConfig,
  note: (text: string) => void,
  lock: KernelLock,
): BootImage | undefined {
  if (image !== undefined && 'file' in image) return ofFile(name, image.file, { config, modules });
  const pattern = image?.package ?? ('package' in btf ? btf.package : undefined);
  return pattern === undefined ? undefined : packaged(name, pattern, note, lock);
}

function packaged(name: string, pattern: string, note: (text: string) => void, lock: KernelLock): BootImage {
  const found = packagedKernel(lockedName(lock, pattern), note);
  checkKernelLock(lock, pattern, found, note);
  const { package: of, version, sha256 } = found;
  const directory = cachePath('kernels', of);
  if (!fs.existsSync(directory)) {
    note(`unpacking ${of}`);
    unpackPackage(of, sha256, directory);
  }
  const boot = path.join(directory, 'boot');
  const image = fs.readdirSync(boot).find((file) => file.startsWith('vmlinuz-'));
  if (image === undefined)
    throw new BpfError('FILE', `${directory} has no kernel image`, {
      path: directory,
      hint: 'remove it, and it is downloaded anew',
    });
  const release = image.slice('vmlinuz-'.length);
  // Debian 13 moved /lib into /usr.
  const modules = ['lib', 'usr/lib'].map((lib) => path.join(directory, lib, 'modules', release));
  return {
    name,
    source: `${of} ${version}`,
    sha256,
    packaged: true,
    release,
    image: path.join(boot, image),
    config: path.join(boot, `config-${release}`),
    modules: modules.find((place) => fs.existsSync(place)),
  };
}

function ofFile(
  name: string,
  file: string,
  { config, modules }: Pick<KernelConfig, 'config' | 'modules'>,
): BootImage {
  let bytes: Uint8Array;
  try {
    bytes = fs.readFileSync(file);
  } catch (cause) {
    throw new BpfError(
      'FILE',
      `kernel ${name}: ${file} cannot be read: ${(cause as Error).message}`,
      { path: file, hint: 'it is named as image under kernels in the manifest' },
      cause,
    );
  }
  const { banner } = readKernelImage(bytes, file);
  const release = banner === undefined ? undefined : /^Linux version (\S+)/.exec(banner)?.[1];
  if (release === undefined)
    throw new BpfError('FILE', `kernel ${name}: ${file} does not say which Linux it is`, {
      path: file,
      expected: 'a bzImage or an Image of Linux',
    });
  return {
    name,
    source: file,
    sha256: objectDigest(bytes),
    packaged: false,
    release,
    image: file,
    config,
    modules,
  };
}
