/**
 * `npm run build`: the packages as they are published, in the order in which they depend on each other. With
 * `--noCheck` the compiler only writes: for a caller that checks the types of all sources anyway.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bundleCli } from './bundle-cli.mjs';
import { quickEnvironment } from './setup/command.mjs';
import { bundle } from './virtual-machine/bundle.mjs';

const root = path.resolve(import.meta.dirname, '..');
const compiler = path.join(root, 'node_modules/typescript/lib/tsc.js');

// Each finds the types of those before it in their dist, through the links in node_modules: as its users will.
for (const name of ['loader', 'deploy', 'plugin']) {
  const directory = path.join(root, 'packages', name);
  rmSync(path.join(directory, 'dist'), { recursive: true, force: true });
  const compile = spawnSync(
    process.execPath,
    [compiler, '-p', 'tsconfig.build.json', ...process.argv.slice(2)],
    {
      cwd: directory,
      env: quickEnvironment,
      stdio: 'inherit',
    },
  );
  if (compile.status !== 0) process.exit(1);
  copyTheRest(path.join(directory, 'src'), path.join(directory, 'dist'));
  if (name === 'deploy') await bundleCli(directory);
}

// What runs in virtual machines: guests have no packages but koffi, and no time to load hundreds of files.
const guest = await bundle('packages/deploy/src/verify/guest-main.ts');
writeFileSync(path.join(root, 'packages/deploy/dist/guest.js'), guest.bytes);

/** The compiler leaves out what is not imported: the schemas of executors and generators, and the C of templates. */
function copyTheRest(from, to) {
  const files = readdirSync(from, { recursive: true }).filter(
    (file) => path.basename(file) === 'schema.json' || file.endsWith('.bpf.c'),
  );
  for (const file of files) cpSync(path.join(from, file), path.join(to, file));
}
