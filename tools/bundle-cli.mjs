import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { rolldown } from 'rolldown';

const root = path.resolve(import.meta.dirname, '..');
const { compilerOptions } = JSON.parse(readFileSync(path.join(root, 'tsconfig.base.json'), 'utf8'));

/** Modules of Node that take a noticeable time to load, and that most commands never call. */
const dear = ['assert', 'child_process', 'crypto', 'stream', 'string_decoder', 'zlib'];

/**
 * Writes the command line with the loader and all that both import as one CommonJS file: 400 files less to find and
 * read. koffi stays outside, being native, and so do packages that are asked for by name when they are needed. The
 * licences of what is inside go beside it.
 *
 * @param {string} directory of the package
 * @param {string} to where the package is published to, which has a `dist`
 */
export async function bundleCli(directory, to = directory) {
  const alias = Object.entries(compilerOptions.paths).map(([name, [file]]) => [name, path.join(root, file)]);
  const build = await rolldown({
    input: path.join(directory, 'src/cli/main.ts'),
    platform: 'node',
    external: ['koffi', 'zod', 'tar'],
    resolve: { alias: Object.fromEntries(alias) },
    treeshake: { moduleSideEffects: false },
    logLevel: 'warn',
  });
  try {
    const { output } = await build.generate({
      format: 'cjs',
      codeSplitting: false,
      // Names stay, for the stacks of errors.
      minify: { compress: false, mangle: false, codegen: true },
    });
    writeFileSync(path.join(to, 'dist/cli.js'), inAscii(withLazyModules(output[0].code)));
    writeFileSync(path.join(to, 'dist/cli.licenses.txt'), licences(Object.keys(output[0].modules)));
  } finally {
    await build.close();
  }
}

/** The bundler loads every module of Node at the start: the dear ones are loaded when they are first called. */
function withLazyModules(code) {
  let lazy = code;
  for (const name of dear) {
    const declaration = new RegExp(`(?:let|var|const) (\\w+)=require\\("node:${name}"\\);`);
    const [line, variable] = declaration.exec(lazy) ?? [];
    // One that is asked for its default export is used at once.
    if (line === undefined || new RegExp(`[;\\n]${variable}=__toESM`).test(lazy)) continue;
    lazy = lazy
      .replace(line, `let ${variable}$;const ${variable}_=()=>${variable}$??=require("node:${name}");`)
      .replaceAll(new RegExp(`(?<![\\w$.])${variable}\\.`, 'g'), `${variable}_().`);
  }
  return lazy;
}

/** Text of one byte a character is read and compiled faster. */
function inAscii(code) {
  return code.replaceAll(
    /[^\0-\x7f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The licences of the packages that modules are of. */
function licences(modules) {
  const packages = modules.flatMap((file) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? []);
  return [...new Set(packages)]
    .sort()
    .map((folder) => {
      const { name, version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
      return `${name} ${version}\n\n${readFileSync(path.join(folder, 'LICENSE'), 'utf8').trim()}\n`;
    })
    .join('\n');
}
