import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { SetupError, isRoot, run, which } from '../setup/command.mjs';
import { cachePath } from './cache.mjs';

/** Debian's names of the architectures that Node names otherwise. */
const debianNames = { x64: 'amd64', arm64: 'arm64' };

/** Packages of this machine's own architecture, as this machine's apt is configured. */
export const machineApt = () => new Apt(debianNames[process.arch] ?? process.arch, []);

/**
 * Packages of another architecture, from the sources of this machine. The lists and the state are in the cache: the
 * machine's own apt is not told about that architecture.
 */
export function foreignApt(architecture) {
  const state = cachePath('apt', architecture);
  mkdirSync(path.join(state, 'lists/partial'), { recursive: true });
  mkdirSync(path.join(state, 'archives/partial'), { recursive: true });
  return new Apt(architecture, [
    `APT::Architecture=${architecture}`,
    `APT::Architectures=${architecture}`,
    `Dir::State=${state}`,
    `Dir::State::status=/dev/null`,
    `Dir::Cache=${state}`,
  ]);
}

/** Finds and downloads packages; installs none. */
export class Apt {
  /** @param {string} architecture Debian's name of it, `amd64` */
  constructor(architecture, options) {
    this.architecture = architecture;
    this.options = options.flatMap((option) => ['-o', option]);
  }

  /** The newest of the packages whose names begin and continue so; undefined if there is none. */
  newest(prefix, pattern) {
    const names = this.#run('apt-cache', ['pkgnames', prefix])
      .split('\n')
      .filter((name) => pattern.test(name));
    return names.sort(new Intl.Collator('en', { numeric: true }).compare).at(-1);
  }

  /** The same, after another look at the lists of packages if there was none. */
  newestOrUpdated(prefix, pattern) {
    const found = this.newest(prefix, pattern);
    if (found !== undefined) return found;
    this.update();
    return this.newest(prefix, pattern);
  }

  /** Downloads a package into a directory. @returns the file */
  download(name, directory) {
    const download = () => this.#run('apt-get', ['download', '-qq', name], directory);
    try {
      download();
    } catch (error) {
      // The lists may be older than the package's last point release.
      if (!(error instanceof SetupError)) throw error;
      this.update();
      download();
    }
    const file = readdirSync(directory).find(
      (entry) => entry.startsWith(`${name}_`) && entry.endsWith('.deb'),
    );
    if (file === undefined) throw new SetupError(`apt-get download ${name} left no file in ${directory}`);
    return path.join(directory, file);
  }

  update() {
    if (this.options.length === 0 && !isRoot) return;
    this.#run('apt-get', ['update', '-qq']);
  }

  #run(command, args, cwd) {
    if (!which(command))
      throw new SetupError(`kernels come from Debian's packages, and there is no ${command} here`);
    // As root, apt would download as its own user, which may not write where we want the file.
    return run(command, [...this.options, '-o', 'APT::Sandbox::User=root', ...args], { cwd });
  }
}
