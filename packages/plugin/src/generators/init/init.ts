import { formatFiles, readNxJson, type Tree, updateNxJson } from '@nx/devkit';

/** Options of the generator, as its schema.json describes them. */
export interface InitOptions {
  readonly skipFormat?: boolean;
}

const plugin = '@nx-bpf/plugin';

const manifest = `# What every project of this workspace shares. A project's own bpf.config.yaml adds to it and overrides it.
version: 1

toolchain:
  cflags: [-Wall, -Werror]

# The environment of a command that names none.
defaultEnvironment: dev

environments:
  dev: {}
  prod: {}
`;

/** Caches and compiled objects: what can be made again. */
const ignored = ['.nx-bpf', 'dist/bpf'];

/**
 * Makes a workspace ready for BPF programs. What is there already stays as it is, so it can be run again.
 *
 * @example
 * ```ts
 * await init(tree, {}); // what `nx add @nx-bpf/plugin` does
 * ```
 */
export default async function init(tree: Tree, options: InitOptions): Promise<void> {
  register(tree);
  if (!tree.exists('bpf.config.yaml')) tree.write('bpf.config.yaml', manifest);
  ignore(tree);
  if (options.skipFormat !== true) await formatFiles(tree);
}

function register(tree: Tree): void {
  const nxJson = readNxJson(tree) ?? {};
  const plugins = nxJson.plugins ?? [];
  if (plugins.some((entry) => (typeof entry === 'string' ? entry : entry.plugin) === plugin)) return;
  updateNxJson(tree, { ...nxJson, plugins: [...plugins, plugin] });
}

function ignore(tree: Tree): void {
  const before = tree.read('.gitignore', 'utf8') ?? '';
  const lines = before.split('\n').map((line) => line.trim().replace(/^\/|\/$/g, ''));
  const missing = ignored.filter((entry) => !lines.includes(entry));
  if (missing.length === 0) return;
  const start = before === '' || before.endsWith('\n') ? before : `${before}\n`;
  tree.write('.gitignore', `${start}${missing.join('\n')}\n`);
}
