import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

export const repository = path.resolve(__dirname, '../..');

/** The packages whose public names must have examples: those that people import. */
export const packages = ['loader', 'deploy'] as const;

/** A public function, class, or method of a class, and what stands in its docstring between "```ts" and "```". */
export interface Documented {
  /** `loadFile`, `Program.testRun`. */
  readonly name: string;
  /** The package's, of `packages`. */
  readonly package: string;
  /** First folder below `src`, as in tools/lint/house.mjs. */
  readonly room: string;
  /** `file:line` in the repository. */
  readonly place: string;
  readonly examples: readonly string[];
}

/** The names that a package exports, types too. */
export function publicNames(name: string): string[] {
  return exportsOf(parse(entry(name))).map((specifier) => specifier.name.text);
}

/** The public functions and classes of a package in the order of its index; of methods those with an example. */
export function documented(name: string): Documented[] {
  return exportsOf(parse(entry(name))).flatMap((specifier) => {
    const declaration = specifier.isTypeOnly ? undefined : find(entry(name), specifier.name.text);
    if (declaration === undefined || !isSubject(declaration)) return [];
    const methods = ts.isClassDeclaration(declaration)
      ? declaration.members.filter(ts.isMethodDeclaration)
      : [];
    return [
      describe(name, specifier.name.text, declaration),
      ...methods
        .map((method) => describe(name, `${specifier.name.text}.${method.name.getText()}`, method))
        .filter(({ examples }) => examples.length > 0),
    ];
  });
}

/** The examples of a document, which are type-checked only. */
export function inDocument(file: string): Documented {
  const text = readFileSync(path.join(repository, file), 'utf8');
  const examples = [...text.matchAll(/^```ts\n(.*?)^```/gms)].map((match) => match[1]!.trimEnd());
  return { name: path.basename(file, '.md'), package: 'loader', room: 'docs', place: `${file}:1`, examples };
}

type Subject = ts.FunctionDeclaration | ts.ClassDeclaration | ts.MethodDeclaration;

function describe(name: string, subject: string, declaration: Subject): Documented {
  const source = declaration.getSourceFile();
  const file = path.relative(repository, source.fileName);
  return {
    name: subject,
    package: name,
    room: file.split('/')[3]!,
    place: `${file}:${source.getLineAndCharacterOfPosition(declaration.getStart()).line + 1}`,
    examples: ts
      .getJSDocCommentsAndTags(declaration)
      .flatMap((comment) => [...comment.getText().matchAll(/```ts\n(.*?)```/gs)])
      .map((match) => match[1]!.replaceAll(/^ *\* ?/gm, '').trimEnd()),
  };
}

/** The declaration of an exported name, found through the indexes of rooms. */
function find(file: string, name: string): ts.Statement | undefined {
  const source = parse(file);
  const own = source.statements.find((statement) => isSubject(statement) && statement.name?.text === name);
  if (own !== undefined) return own;
  for (const statement of source.statements.filter(ts.isExportDeclaration)) {
    const { exportClause, moduleSpecifier } = statement;
    if (moduleSpecifier === undefined || !ts.isStringLiteral(moduleSpecifier)) continue;
    const named =
      exportClause !== undefined && ts.isNamedExports(exportClause) ? exportClause.elements : undefined;
    const specifier = named?.find((element) => element.name.text === name);
    if (named !== undefined && specifier === undefined) continue;
    const target = path.resolve(path.dirname(file), moduleSpecifier.text);
    const found = find(
      existsSync(`${target}.ts`) ? `${target}.ts` : `${target}/index.ts`,
      specifier?.propertyName?.text ?? name,
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

function exportsOf(source: ts.SourceFile): ts.ExportSpecifier[] {
  return source.statements
    .filter(ts.isExportDeclaration)
    .flatMap(({ exportClause }) =>
      exportClause !== undefined && ts.isNamedExports(exportClause) ? [...exportClause.elements] : [],
    );
}

function isSubject(node: ts.Node): node is ts.FunctionDeclaration | ts.ClassDeclaration {
  return ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node);
}

function entry(name: string): string {
  return path.join(repository, `packages/${name}/src/index.ts`);
}

const parsed = new Map<string, ts.SourceFile>();

/** A source file, parsed once. */
export function parse(file: string): ts.SourceFile {
  const known = parsed.get(file);
  if (known !== undefined) return known;
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
  parsed.set(file, source);
  return source;
}
