import fs from 'node:fs';
import path from 'node:path';
import { writeAtomically } from './atomic-file';
import { includeDirectories } from './arguments';
import { sha256, type FileDigests } from './file-digests';

/** Changes when a record, or what we make of clang's output, changes its meaning. */
const version = 1;

/** What an object was made from: beside the object, as JSON. */
export interface BuildRecord {
  /** Digest of arguments and compiler. */
  readonly key: string;
  /** SHA-256 of source and headers by path: relative to the workspace inside it, else absolute. */
  readonly inputs: Readonly<Record<string, string>>;
  /** SHA-256 of the object file. */
  readonly object: string;
  /** What clang said: a build that is not repeated still shows its warnings. */
  readonly messages: string;
}

/** Digest of everything besides files that decides about an object. The workspace's own place does not. */
export function recordKey(args: readonly string[], compiler: string, workspaceRoot: string): string {
  const portable = args.map((arg) => arg.replaceAll(workspaceRoot, '.'));
  return sha256(JSON.stringify([version, compiler, portable]));
}

/** Reads a record; a missing or damaged one is none. */
export function readRecord(file: string): BuildRecord | undefined {
  let content: unknown;
  try {
    content = JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
  return isRecord(content) ? content : undefined;
}

function isRecord(content: unknown): content is BuildRecord {
  if (typeof content !== 'object' || content === null) return false;
  const { key, inputs, object, messages } = content as Partial<Record<keyof BuildRecord, unknown>>;
  const texts = [key, object, messages];
  return texts.every((text) => typeof text === 'string') && typeof inputs === 'object' && inputs !== null;
}

export function writeRecord(file: string, record: BuildRecord): void {
  writeAtomically(file, `${JSON.stringify(record, null, 2)}\n`);
}

export interface FreshnessQuestion {
  readonly key: string;
  readonly objectFile: string;
  readonly args: readonly string[];
  readonly workspaceRoot: string;
  readonly digests: FileDigests;
}

/** Whether compiling again would give what the record says is there. The object file is read, not trusted. */
export function isFresh(record: BuildRecord, question: FreshnessQuestion): boolean {
  const { key, objectFile, workspaceRoot, digests } = question;
  if (record.key !== key || digests.of(objectFile) !== record.object) return false;
  const inputs = Object.entries(record.inputs);
  return (
    inputs.every(([file, digest]) => digests.of(path.resolve(workspaceRoot, file)) === digest) &&
    !isShadowed(Object.keys(record.inputs), question)
  );
}

/**
 * Whether a header has appeared that clang would now find before one it used: a file of the same relative name in a
 * directory that is searched earlier. No input has changed then, but the object would.
 */
function isShadowed(inputs: readonly string[], { args, workspaceRoot }: FreshnessQuestion): boolean {
  const source = inputs[0];
  const first = source === undefined ? [] : [path.dirname(source)];
  const directories = [...first, ...includeDirectories(args)].map((name) =>
    path.resolve(workspaceRoot, name),
  );
  const used = new Set(inputs.map((file) => path.resolve(workspaceRoot, file)));
  return [...used].some((file) => {
    const position = directories.findIndex((directory) => file.startsWith(`${directory}${path.sep}`));
    return directories.slice(0, Math.max(position, 0)).some((directory) => {
      const earlier = path.join(directory, path.relative(directories[position]!, file));
      return !used.has(earlier) && fs.existsSync(earlier);
    });
  });
}
