import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { SetupError, run } from '../setup/command.mjs';
import { cachePath, fillCache } from './cache.mjs';

/**
 * A kernel as Debian built it, unpacked in the cache.
 *
 * @typedef {object} Kernel
 * @property {string} name as it was asked for, `6.12`
 * @property {string} release as `uname -r` says there
 * @property {string} image the file to boot
 * @property {string} config its configuration
 * @property {string} modules the directory of its modules
 */

const namePattern = /^(?<version>\d+\.\d+)(?<full>-full)?$/;

/**
 * Finds a kernel by name: the newest point release that apt knows, downloaded and unpacked, never installed.
 *
 * @param {string} name `6.1` is the image for clouds, which is small; `6.1-full` has every driver
 * @param {import('./apt.mjs').Apt} apt where packages come from
 * @returns {Kernel}
 */
export function debianKernel(name, apt) {
  const { version, full } = namePattern.exec(name)?.groups ?? {};
  if (version === undefined)
    throw new SetupError(`'${name}' names no kernel: expected 6.1, 6.12 or 6.12-full`);
  const flavour = full ? apt.architecture : `cloud-${apt.architecture}`;
  const prefix = `linux-image-${version}.`;
  // The unsigned images are the same kernels: only secure boot would tell them apart.
  const pattern = new RegExp(`^${prefix.replaceAll('.', '[.]')}[^-]+(-\\d+)?-${flavour}-unsigned$`);
  const found = apt.newestOrUpdated(prefix, pattern);
  if (found === undefined) {
    throw new SetupError(
      `apt knows no package ${prefix}*-${flavour}-unsigned: Debian 12 has 6.1, and 6.12 in bookworm-security or bookworm-backports`,
    );
  }
  const directory = cachePath('kernels', found);
  if (!existsSync(directory)) fillCache(directory, (draft) => unpack(apt.download(found, draft), draft));
  return unpacked(name, directory);
}

/** A package's files, and no longer the package. */
function unpack(file, directory) {
  run('dpkg-deb', ['-x', file, directory]);
  rmSync(file);
  rmSync(path.join(directory, 'usr'), { recursive: true });
}

function unpacked(name, directory) {
  const boot = path.join(directory, 'boot');
  const release = readdirSync(boot)
    .find((file) => file.startsWith('vmlinuz-'))
    .slice('vmlinuz-'.length);
  return {
    name,
    release,
    image: path.join(boot, `vmlinuz-${release}`),
    config: path.join(boot, `config-${release}`),
    modules: path.join(directory, 'lib/modules', release),
  };
}
