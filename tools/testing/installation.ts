import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { transformSync } from '@swc/core';

const workspace = path.resolve(__dirname, '../..');

interface PackageJson {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * The command line as `npm install @nx-bpf/deploy` puts it there: the files that are published, and what they depend
 * on. Their dist is made by swc, which takes a second in place of the compiler's ten.
 *
 * @param directory where to; it gets `node_modules`
 */
export function installDeploy(directory: string): void {
  const modules = path.join(directory, 'node_modules');
  const wanted = ['@nx-bpf/deploy'];
  const done = new Set<string>();
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    if (done.has(name)) continue;
    done.add(name);
    const own = name.startsWith('@nx-bpf/');
    const from = own
      ? path.join(workspace, 'packages', name.slice(8))
      : path.join(workspace, 'node_modules', name);
    // What is optional and for another machine is not there.
    if (!fs.existsSync(from)) continue;
    const to = path.join(modules, name);
    if (own) publish(from, to);
    if (name === '@nx-bpf/deploy') bundleCli(from, to);
    else fs.cpSync(from, to, { recursive: true, dereference: true });
    const { dependencies, optionalDependencies } = JSON.parse(
      fs.readFileSync(path.join(from, 'package.json'), 'utf8'),
    ) as PackageJson;
    wanted.push(...Object.keys({ ...dependencies, ...optionalDependencies }));
  }
}

/** As `npm run build` does it. */
function bundleCli(from: string, to: string): void {
  const module = path.join(workspace, 'tools/bundle-cli.mjs');
  const script = `import { bundleCli } from ${JSON.stringify(module)};
await bundleCli(...${JSON.stringify([from, to])});`;
  execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: workspace });
}

function publish(from: string, to: string): void {
  const source = path.join(from, 'src');
  for (const file of fs.readdirSync(source, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue;
    const { code } = transformSync(fs.readFileSync(path.join(source, file), 'utf8'), {
      filename: file,
      configFile: false,
      swcrc: false,
      module: { type: 'commonjs', ignoreDynamic: true },
      jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    });
    const target = path.join(to, 'dist', file.replace(/\.ts$/, '.js'));
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.writeFileSync(target, code);
  }
  for (const file of ['package.json', 'bin', 'schema.json'])
    if (fs.existsSync(path.join(from, file)))
      fs.cpSync(path.join(from, file), path.join(to, file), { recursive: true });
}
