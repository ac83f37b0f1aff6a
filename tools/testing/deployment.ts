import fs from 'node:fs';
import path from 'node:path';
import { RelocationCache } from '../../packages/deploy/src/cache';
import { loadProject, type ProjectConfig } from '../../packages/deploy/src/manifest';
import { apply, type ApplyResult } from '../../packages/deploy/src/apply';
import { layoutOf, type Layout } from '../../packages/deploy/src/state';
import { type KernelSuite } from './kernel';

/** An object file under the name that the manifest has for it. */
export interface NamedObject {
  readonly name: string;
  readonly file: string;
}

/** A workspace with one project `p` and a pin root of its own, for tests that deploy. */
export class DeploymentFixture {
  /** What `apply` noted so far. */
  readonly notes: string[] = [];

  constructor(private readonly kernel: KernelSuite) {}

  get workspace(): string {
    return path.join(this.kernel.directory, 'ws');
  }

  get root(): string {
    return path.join(this.kernel.bpffs, 'nx-bpf');
  }

  get layout(): Layout {
    return layoutOf(this.root, 'p', 'dev');
  }

  get cacheFolder(): string {
    return path.join(this.kernel.directory, 'cache');
  }

  /** An empty workspace and cache: for `beforeEach`. */
  reset(): void {
    fs.rmSync(this.workspace, { recursive: true, force: true });
    fs.rmSync(this.cacheFolder, { recursive: true, force: true });
    fs.mkdirSync(path.join(this.workspace, 'p'), { recursive: true });
    fs.writeFileSync(
      path.join(this.workspace, 'bpf.config.yaml'),
      `version: 1\npin: { root: ${this.root} }\n`,
    );
    fs.writeFileSync(path.join(this.workspace, 'p', 'package.json'), '{ "name": "p" }');
    this.notes.length = 0;
  }

  /** Writes the project's manifest. */
  manifest(text: string): void {
    fs.writeFileSync(path.join(this.workspace, 'p', 'bpf.config.yaml'), text);
  }

  load(...set: string[]): ProjectConfig {
    return loadProject({ workspaceRoot: this.workspace, project: 'p', set });
  }

  /** @param set values laid over the manifest, as with `--set` */
  apply(objects: readonly NamedObject[], ...set: string[]): Promise<ApplyResult> {
    return apply({
      config: this.load(...set),
      objects,
      cache: new RelocationCache(this.cacheFolder),
      note: (text) => this.notes.push(text),
    });
  }

  /** Every name below the pin root; `current` is a symlink and is not followed. */
  pins(folder = this.root): string[] {
    if (!fs.existsSync(folder)) return [];
    return fs
      .readdirSync(folder, { withFileTypes: true })
      .flatMap((entry) => {
        const place = path.join(folder, entry.name);
        const name = path.relative(this.root, place).replace('p/dev/', '');
        return [name, ...(entry.isDirectory() ? this.pins(place) : [])];
      })
      .sort();
  }
}
