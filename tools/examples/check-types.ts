import path from 'node:path';
import ts from 'typescript';
import { packages, parse, publicNames, repository, type Documented } from './collect';

/**
 * Type errors of examples, as `file:line of the docstring: message`. All are checked in one program. Each is a module
 * of its own, in which the public names are imported from the packages by their names; other free names are those of
 * `Prelude`.
 */
export function typeErrors(documented: readonly Documented[]): string[] {
  const file = path.join(repository, 'tsconfig.base.json');
  const { config } = ts.readConfigFile(file, (name) => ts.sys.readFile(name));
  const system = { ...ts.sys, readDirectory: () => [] };
  const { options } = ts.parseJsonConfigFileContent(config, system, repository, undefined, file);
  const host = ts.createCompilerHost(options, true);
  const modules = asModules(documented);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (file) => modules.has(file) || fileExists(file);
  host.getSourceFile = (file, ...rest) => {
    const module = modules.get(file);
    return module === undefined
      ? getSourceFile(file, ...rest)
      : ts.createSourceFile(file, module.text, options.target ?? ts.ScriptTarget.Latest);
  };
  const settings = { ...options, noEmit: true, noUnusedLocals: false };
  const program = ts.createProgram([...modules.keys()], settings, host);
  return [...modules].flatMap(([file, { place, text }]) => {
    const source = program.getSourceFile(file);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
      ({ start = 0, messageText }) => {
        const line = text.slice(text.lastIndexOf('\n', start) + 1).split('\n', 1)[0]!;
        return `${place}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}\n    ${line}`;
      },
    );
  });
}

/** Examples as modules, by path. A name that an example declares itself hides the one around it. */
function asModules(documented: readonly Documented[]): Map<string, { place: string; text: string }> {
  const head = [
    ...packages.map((name) => `import { ${publicNames(name).join(', ')} } from '@nx-bpf/${name}';`),
    `import { type Prelude } from './prelude';`,
    `const { ${membersOfPrelude().join(', ')} } = {} as Prelude;`,
  ].join('\n');
  return new Map(
    documented.flatMap(({ name, place, examples }) =>
      examples.map((code, i) => [
        path.join(repository, 'tools/examples', `${name}-${i}.example.ts`),
        { place, text: `${head}\nexport async function example() {\n${code}\n}` },
      ]),
    ),
  );
}

function membersOfPrelude(): string[] {
  return parse(path.join(repository, 'tools/examples/prelude.ts'))
    .statements.filter(ts.isInterfaceDeclaration)
    .flatMap(({ members }) => members.map((member) => member.name!.getText()));
}
