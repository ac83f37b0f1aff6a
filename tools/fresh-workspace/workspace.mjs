import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { quickEnvironment, root, run } from '../setup/index.mjs';

/** An Nx workspace in a temporary directory, with the packed packages installed from their tarballs. */
export class FreshWorkspace {
  constructor(directory, nxVersion) {
    this.directory = directory;
    this.nxVersion = nxVersion;
  }

  /** Packs, and installs with the given version of Nx. */
  static create(nxVersion) {
    run(process.execPath, ['tools/build.mjs', '--noCheck'], { cwd: root, env: quickEnvironment });
    const workspace = new FreshWorkspace(mkdtempSync(path.join(tmpdir(), 'nx-bpf-fresh-')), nxVersion);
    try {
      workspace.install();
    } catch (error) {
      workspace.remove();
      throw error;
    }
    return workspace;
  }

  install() {
    const packed = this.#pack();
    this.packages = Object.keys(packed);
    const dependencies = { ...packed, nx: this.nxVersion, '@nx/devkit': this.nxVersion };
    this.write('package.json', JSON.stringify({ private: true, workspaces: ['packages/*'], dependencies }));
    this.write(
      'nx.json',
      JSON.stringify({ plugins: ['@nx-bpf/plugin'], analytics: false, neverConnectToCloud: true }),
    );
    this.npmInstall();
  }

  /**
   * A directory without Nx, with some of the packed packages installed and what they depend on: by name, those that
   * they depend on too.
   */
  without(...names) {
    const other = new FreshWorkspace(`${this.directory}-without-nx`, this.nxVersion);
    try {
      const { dependencies } = JSON.parse(this.read('package.json'));
      const tarballs = names.map((name) => [name, dependencies[name].replace('.', this.directory)]);
      other.write(
        'package.json',
        JSON.stringify({ private: true, dependencies: Object.fromEntries(tarballs) }),
      );
      other.npmInstall();
    } catch (error) {
      other.remove();
      throw error;
    }
    return other;
  }

  npmInstall() {
    run('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', '--prefer-offline'], {
      cwd: this.directory,
    });
  }

  /** The tarballs that `npm publish` would upload, by the name of the package. */
  #pack() {
    const names = ['loader', 'deploy', 'plugin'].map((name) => `--workspace=packages/${name}`);
    const packed = run(
      'npm',
      ['pack', ...names, '--json', '--loglevel=error', '--pack-destination', this.directory],
      { cwd: root },
    );
    return Object.fromEntries(JSON.parse(packed).map(({ name, filename }) => [name, `file:./${filename}`]));
  }

  /** The version that a range came to. */
  installedNx() {
    return JSON.parse(this.read('node_modules/nx/package.json')).version;
  }

  path(...names) {
    return path.join(this.directory, ...names);
  }

  read(file) {
    return readFileSync(this.path(file));
  }

  write(file, text) {
    mkdirSync(path.dirname(this.path(file)), { recursive: true });
    writeFileSync(this.path(file), text);
  }

  /** Runs Nx to its end, without its daemon. Resolves to what it printed, without colours. */
  nx(args, environment = {}) {
    return this.command('node_modules/.bin/nx', args, environment);
  }

  /** Runs a command in the workspace, and leaves the event loop free meanwhile: a server may have to answer it. */
  command(name, args, environment = {}) {
    const env = {
      ...quickEnvironment,
      ...{ NX_DAEMON: 'false', NX_TUI: 'false', CI: 'true' },
      // Nx by itself may keep results outside of the workspace, where another one would find them.
      NX_CACHE_DIRECTORY: this.path('.nx/cache'),
      ...environment,
    };
    const program = name.includes('/') ? path.resolve(this.directory, name) : name;
    return new Promise((resolve, reject) => {
      execFile(program, args, { cwd: this.directory, env, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
        const said = stripVTControlCharacters(stdout);
        if (error) reject(new Error(`${[name, ...args].join(' ')} failed:\n${said}\n${stderr}`));
        else resolve(said);
      });
    });
  }

  remove() {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
