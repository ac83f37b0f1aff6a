import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Node } from 'yaml';
import { type Layer, type Located, type LocatedEntry, type Origin, type ScalarValue } from './located';
import { type Problems } from './problems';
import { mayBeTooDeep } from './yaml-depth';

/** No manifest comes near: what is larger or deeper is not a manifest. */
const manifestLength = 1 << 20;
const maxDepth = 24;

/** A text to read, and what its values' origins say. */
export interface YamlSource {
  readonly text: string;
  /** Name for messages, relative to the workspace. */
  readonly file: string;
  readonly layer: Layer;
  /** Longest text in characters; by default 1 MiB. */
  readonly maxLength?: number | undefined;
  /** Keys may be numbers, which become text. */
  readonly anyKeys?: boolean | undefined;
}

/**
 * Reads YAML 1.2 (core schema) into values that know their place. Anchors, aliases, tags and merge keys are refused:
 * a manifest needs none of them, and without them its size in memory is that of its text.
 *
 * @param problems gets what is wrong with the text
 * @returns the value, or undefined if the text is empty or not readable
 */
export function readYaml(source: YamlSource, problems: Problems): Located | undefined {
  const { text, file, layer, maxLength = manifestLength, anyKeys = false } = source;
  const refused =
    text.length > maxLength
      ? `the file is longer than ${maxLength} characters`
      : mayBeTooDeep(text)
        ? 'nested too deeply'
        : '';
  if (refused !== '') {
    problems.add({ file, line: 1, column: 1 }, refused);
    return undefined;
  }
  const lines = new LineCounter();
  const place = (offset: number): Origin => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1), layer };
  };
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    strict: true,
    // The library compares each key with all others, which takes minutes for the keys of a long file.
    uniqueKeys: false,
    intAsBigInt: true,
    resolveKnownTags: false,
  });
  const errors = [...document.errors, ...document.warnings];
  for (const error of errors) {
    problems.add(place(error.pos[0]), yamlProblem(error.code, error.message));
  }
  if (errors.length > 0 || document.contents === null) return undefined;
  return convert(document.contents, 0, { place, problems, anyKeys });
}

function yamlProblem(code: string, message: string): string {
  return code === 'TAG_RESOLVE_FAILED' ? 'tags are not allowed' : message;
}

interface Conversion {
  readonly place: (offset: number) => Origin;
  readonly problems: Problems;
  readonly anyKeys: boolean;
}

function convert(node: Node, depth: number, conversion: Conversion): Located | undefined {
  const { place, problems, anyKeys } = conversion;
  const origin = place(node.range?.[0] ?? 0);
  if (isAlias(node)) return refuse('aliases (*name) are not allowed: write the value out');
  if ('anchor' in node && node.anchor !== undefined) return refuse('anchors (&name) are not allowed');
  if (node.tag !== undefined) return refuse(`tags (${node.tag}) are not allowed`);
  if (depth > maxDepth) return refuse(`nested more than ${maxDepth} levels deep`);

  if (isScalar(node)) {
    const value = scalar(node.value);
    if (value === undefined) return refuse('not a value that a manifest can hold');
    return { kind: 'scalar', origin, value };
  }
  if (isSeq(node)) {
    const items = node.items.map((item) => convert(item as Node, depth + 1, conversion));
    return { kind: 'list', origin, items: items.filter((item) => item !== undefined) };
  }
  if (!isMap(node)) return refuse('not a value that a manifest can hold');
  const entries = new Map<string, LocatedEntry>();
  for (const pair of node.items) {
    const keyNode = pair.key as Node;
    const keyOrigin = place(keyNode.range?.[0] ?? 0);
    const written: unknown = isScalar(keyNode) ? keyNode.value : undefined;
    const key =
      anyKeys && ['bigint', 'number', 'boolean'].includes(typeof written) ? String(written) : written;
    if (typeof key !== 'string') {
      problems.add(keyOrigin, 'a key has to be text: put it in quotes');
    } else if (key === '__proto__' || key === '<<') {
      problems.add(keyOrigin, `'${key}' is not allowed as a key`);
    } else if (entries.has(key)) {
      problems.add(keyOrigin, `key '${key}' is there twice`);
    } else {
      const value = pair.value as Node | null;
      const converted: Located | undefined =
        value === null
          ? { kind: 'scalar', origin: keyOrigin, value: null }
          : convert(value, depth + 1, conversion);
      if (converted !== undefined) entries.set(key, { origin: keyOrigin, value: converted });
    }
  }
  return { kind: 'map', origin, entries };

  function refuse(text: string): undefined {
    problems.add(origin, text);
  }
}

/** Integers are read as bigint, so that 64-bit constants keep all their digits; what fits a number becomes one. */
function scalar(value: unknown): ScalarValue | undefined {
  switch (typeof value) {
    case 'bigint':
      return BigInt(Number.MIN_SAFE_INTEGER) <= value && value <= BigInt(Number.MAX_SAFE_INTEGER)
        ? Number(value)
        : value;
    case 'number':
      return Number.isFinite(value) ? value : undefined;
    case 'string':
    case 'boolean':
      return value;
    default:
      return value === null ? null : undefined;
  }
}
