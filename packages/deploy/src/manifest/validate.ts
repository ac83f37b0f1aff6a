import type { z as Zod } from 'zod';
import { nearest } from '@nx-bpf/loader/errors';
import { keyOriginAt, originAt, plain, valueAt, withNullAt, type Located, type Path } from './located';
import { onlyInPrograms } from './only-in-programs';
import { type Problems } from './problems';
import { manifestSchema } from './schema';
import { suggestion } from './suggestion';

/** A zod type as the walk below sees it: what it is made of, by kind. */
type Definition = Partial<{
  shape: Record<string, Zod.core.$ZodType>;
  innerType: Zod.core.$ZodType;
  valueType: Zod.core.$ZodType;
  element: Zod.core.$ZodType;
  options: readonly Zod.core.$ZodType[];
}>;

/**
 * Checks one file's (or `--set`'s) values against the schema; each problem is placed where the value is written.
 *
 * @returns the tree without its wrong values, so that what is checked after it need not look for them again
 */
export function validate(tree: Located, problems: Problems): Located {
  const issues = manifestSchema().safeParse(plain(tree)).error?.issues ?? [];
  for (const issue of issues) report(issue, tree, problems);
  // An unknown key is only ignored, but an attachment that has one is no longer what was meant.
  const wrong = issues.filter(
    ({ code, path }) => code !== 'unrecognized_keys' || path.some((step) => typeof step === 'number'),
  );
  return wrong.reduce((rest, issue) => withNullAt(rest, issue.path), tree);
}

function report(issue: Zod.core.$ZodIssue, tree: Located, problems: Problems): void {
  const { path } = issue;
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(manifestSchema(), path);
    for (const key of issue.keys) {
      const reason = onlyInPrograms(path, key);
      const what = reason === undefined ? 'unknown key' : 'no key of a manifest:';
      problems.add(
        keyOriginAt(tree, path, key),
        `${what} '${key}'${within(path)}; ${reason ?? suggestion(key, known)}`,
      );
    }
  } else if (issue.code === 'invalid_key') {
    const key = String(path.at(-1));
    const parent = path.slice(0, -1);
    const expected = issue.issues[0]?.message ?? 'another name';
    problems.add(keyOriginAt(tree, parent, key), `bad name '${key}'${within(parent)}: expected ${expected}`);
  } else {
    const node = valueAt(tree, path);
    const words = wordsOf(issue);
    const written = node?.kind === 'scalar' && typeof node.value === 'string' ? node.value : '';
    const [meant] = nearest(written, words);
    const hint = meant === undefined ? '' : `; did you mean '${meant}'?`;
    problems.add(
      originAt(tree, path),
      `${pathText(path)}: found ${show(node)}, expected ${issue.message}${hint}`,
    );
  }
}

/** The words that would be right there. */
function wordsOf(issue: Zod.core.$ZodIssue): string[] {
  if (issue.code === 'invalid_union') return issue.errors.flat().flatMap(wordsOf);
  return issue.code === 'invalid_value' ? issue.values.filter((value) => typeof value === 'string') : [];
}

/** A path as people write it: `programs.edge_guard.attach[0].xdp`. */
export function pathText(path: Path): string {
  return path
    .map((step, i) => (typeof step === 'number' ? `[${step}]` : `${i > 0 ? '.' : ''}${String(step)}`))
    .join('');
}

function within(path: Path): string {
  return path.length === 0 ? '' : ` in ${pathText(path)}`;
}

/** A value as messages show it: short, text in quotes. */
function show(node: Located | undefined): string {
  if (node === undefined) return 'nothing';
  if (node.kind === 'map') return 'a map';
  if (node.kind === 'list') return 'a list';
  const { value } = node;
  if (typeof value !== 'string') return String(value);
  return `'${value.length > 60 ? `${value.slice(0, 57)}...` : value}'`;
}

/** The keys that the schema knows at a path. */
function knownKeys(schema: Zod.core.$ZodType, path: Path): string[] {
  const definition = schema._zod.def as Definition;
  const inner = definition.innerType;
  if (inner !== undefined) return knownKeys(inner, path);
  if (definition.options !== undefined)
    return definition.options.flatMap((option) => knownKeys(option, path));
  const [step, ...rest] = path;
  if (step === undefined) return Object.keys(definition.shape ?? {});
  const next = definition.shape?.[String(step)] ?? definition.valueType ?? definition.element;
  return next === undefined ? [] : knownKeys(next, rest);
}
