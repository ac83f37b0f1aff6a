import { formatFiles, joinPathFragments, logger, type Tree } from '@nx/devkit';
import init from '../init/init';
import { addProgram } from '../program/program';
import { identifier, type TemplateName } from '../templates';
import { projectTest } from './project-test';

/** Options of the generator, as its schema.json describes them. */
export interface ProjectOptions {
  readonly name: string;
  readonly directory?: string;
  readonly template?: TemplateName;
  readonly skipFormat?: boolean;
}

/**
 * A new project: a BPF program in C, a manifest that attaches it where it does no harm, and a test that loads it. A
 * file that is there already stays as it is.
 *
 * @throws Error for a name that is none, or a directory outside of the workspace
 *
 * @example
 * ```ts
 * await project(tree, { name: 'probe', template: 'xdp' });
 * ```
 */
export default async function project(tree: Tree, options: ProjectOptions): Promise<void> {
  const { name, template = 'xdp' } = options;
  const root = joinPathFragments(options.directory ?? `packages/${name}`).replace(/\/+$/, '');
  if (root.startsWith('/') || root.split('/').includes('..')) {
    throw new Error(`found the directory '${root}', expected one inside the workspace`);
  }
  await init(tree, { skipFormat: true });
  const write = (file: string, text: string): void => {
    const place = joinPathFragments(root, file);
    if (tree.exists(place)) logger.info(`${place} is there already, and stays as it is`);
    else tree.write(place, text);
  };
  write('package.json', packageJson(name));
  write('bpf.config.yaml', 'version: 1\n');
  addProgram(tree, root, name, template);
  write(`test/${name}.test.mjs`, projectTest(name, identifier(name), template));
  if (options.skipFormat !== true) await formatFiles(tree);
}

/** Nx makes a target of the script; the object that the test loads is compiled before it. */
function packageJson(name: string): string {
  const content = {
    name,
    version: '0.0.1',
    private: true,
    scripts: { test: 'node --test test/' },
    nx: { targets: { test: { dependsOn: ['bpf-build'] } } },
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}
