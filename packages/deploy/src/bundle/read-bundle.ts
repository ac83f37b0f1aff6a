import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BpfError } from '@nx-bpf/loader';
import { type ProjectConfig } from '../manifest';
import { sha256, tar } from '../toolchain';
import {
  BUNDLE_FORMAT,
  indexDigestFile,
  indexFile,
  type BundledObject,
  type BundleIndex,
} from './bundle-index';
import { configProblems } from './check-config';
import { indexShape } from './index-shape';
import { decodeConfig } from './portable-config';
import { type BundledRelocation } from './relocate-for-kernels';

/** Entries of the bundle itself. */
const own: readonly string[] = [indexFile, indexDigestFile];

/** A bundle, checked and unpacked into a directory that nobody else can read. */
export interface OpenBundle {
  readonly config: ProjectConfig;
  /** Their files are absolute. */
  readonly objects: readonly BundledObject[];
  readonly relocations: readonly BundledRelocation[];
  /** SHA-256 of the bundle. */
  readonly sha256: string;
  /** Removes the directory. */
  close(): void;
}

/** Names of entries: what `writeBundle` writes, and nothing that leads elsewhere. */
const entryName = /^(objects|data|packets|relocated)\/[A-Za-z0-9_-][A-Za-z0-9_.-]{0,200}$/;

/**
 * Reads a bundle: every entry must be one that the index names, with the bytes that it names. Nothing is asked of the
 * kernel, and no path of the bundle is followed but below a new directory.
 *
 * @throws BpfError BUNDLE_INVALID, FILE
 *
 * @example
 * ```ts
 * const bundle = await readBundle('agent-prod.nxbpf');
 * bundle.config.environment; // 'prod'
 * bundle.close();
 * ```
 */
export async function readBundle(file: string): Promise<OpenBundle> {
  return openBundle(file, readBundleFile(file));
}

/**
 * The same of a bundle that is in memory.
 *
 * @param file what messages call it
 * @param parent where the directory is made that it is unpacked into
 * @throws BpfError BUNDLE_INVALID
 */
export async function openBundle(file: string, bytes: Uint8Array, parent = os.tmpdir()): Promise<OpenBundle> {
  const entries = await readEntries(file, bytes);
  const index = readIndex(file, entries);
  const directory = fs.mkdtempSync(path.join(parent, 'nx-bpf-bundle-'));
  const close = (): void => fs.rmSync(directory, { recursive: true, force: true });
  try {
    for (const [name, content] of entries) {
      const place = path.join(directory, name);
      fs.mkdirSync(path.dirname(place), { recursive: true, mode: 0o700 });
      fs.writeFileSync(place, content, { mode: 0o600 });
    }
    const config = decodeConfig(index.config, directory);
    checkConfig(file, index, config);
    const objects = index.objects.map((object) => ({ ...object, file: path.join(directory, object.file) }));
    const relocations = index.relocations.map(({ file: inside, ...relocation }) => ({
      ...relocation,
      // Not a Buffer: its slice() would share memory.
      bytes: new Uint8Array(entries.get(inside)!),
    }));
    return { config, objects, relocations, sha256: sha256(bytes), close };
  } catch (error) {
    close();
    // RangeError: nested so deeply that reading it takes more stack than there is.
    const unreadable = error instanceof SyntaxError || error instanceof RangeError;
    throw unreadable ? invalid(file, `its manifest: ${error.message}`) : error;
  }
}

/**
 * The bytes of a bundle, unchecked.
 *
 * @throws BpfError FILE
 */
export function readBundleFile(file: string): Buffer {
  try {
    return fs.readFileSync(file);
  } catch (cause) {
    throw new BpfError(
      'FILE',
      `bundle ${file} cannot be read: ${(cause as Error).message}`,
      { path: file },
      cause,
    );
  }
}

/** The entries of the archive, in memory: as large as the archive at most. */
async function readEntries(file: string, bytes: Uint8Array): Promise<Map<string, Buffer>> {
  const { Parser } = tar();
  const entries = new Map<string, Buffer>();
  const problems: string[] = [];
  const parser = new Parser({
    strict: true,
    onReadEntry: (entry) => {
      const name = entry.path;
      if (entry.type !== 'File' || (!own.includes(name) && !entryName.test(name))) {
        problems.push(`entry '${name}' (${entry.type}) does not belong into a bundle`);
        entry.resume();
        return;
      }
      if (entries.has(name)) problems.push(`entry '${name}' is there twice`);
      const chunks: Buffer[] = [];
      entry.on('data', (chunk: Buffer) => chunks.push(chunk));
      entry.on('end', () => entries.set(name, Buffer.concat(chunks)));
    },
  });
  try {
    parser.on('error', (error: Error) => problems.push(error.message));
    parser.end(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (error) {
    problems.push((error as Error).message);
  }
  const [first] = problems;
  if (first !== undefined) throw invalid(file, first);
  return entries;
}

/** What it is a bundle of, and every name in it, decides where something is pinned. */
function checkConfig(file: string, index: BundleIndex, config: ProjectConfig): void {
  const [problem] = configProblems(config);
  if (problem !== undefined) throw invalid(file, `its manifest is none that could be deployed: ${problem}`);
  for (const what of ['project', 'environment'] as const) {
    const [name, other] = [config[what], index[what]];
    if (name !== other) throw invalid(file, `its manifest is of ${what} '${name}', its index of '${other}'`);
  }
}

function readIndex(file: string, entries: ReadonlyMap<string, Buffer>): BundleIndex {
  const text = entries.get(indexFile);
  if (text === undefined) throw invalid(file, `it has no ${indexFile}`);
  if (entries.get(indexDigestFile)?.toString('latin1').trim() !== sha256(text)) {
    throw invalid(file, `the bytes of ${indexFile} are not those of ${indexDigestFile}`);
  }
  let index: Partial<BundleIndex> | null;
  try {
    index = JSON.parse(text.toString('utf8')) as Partial<BundleIndex> | null;
  } catch {
    throw invalid(file, `${indexFile} is no JSON`);
  }
  if (index?.format !== BUNDLE_FORMAT) {
    throw invalid(
      file,
      `format ${String(index?.format)} is not known to this version, which reads ${BUNDLE_FORMAT}`,
    );
  }
  const problem = indexShape(index, indexFile);
  if (problem !== undefined) throw invalid(file, problem);
  const listed = index.files!;
  for (const [name, content] of entries) {
    if (own.includes(name)) continue;
    if (!Object.hasOwn(listed, name)) throw invalid(file, `entry '${name}' is not in its index`);
    if (sha256(content) !== listed[name])
      throw invalid(file, `the bytes of '${name}' are not those of its index`);
  }
  for (const name of Object.keys(listed)) {
    if (!entries.has(name)) throw invalid(file, `'${name}' of its index is missing`);
  }
  const objects = index.objects!;
  const strange = objects.find(
    ({ file: entry, sha256: bytes }) => !Object.hasOwn(listed, entry) || listed[entry] !== bytes,
  );
  if (strange !== undefined) throw invalid(file, `object '${strange.name}' is not in it`);
  const relocations = index.relocations ?? [];
  const homeless = relocations.find(
    ({ file: entry, object }) =>
      !Object.hasOwn(listed, entry) || !objects.some(({ name }) => name === object),
  );
  if (homeless !== undefined) {
    throw invalid(file, `a relocation of object '${homeless.object}' is not in it, or the object is not`);
  }
  return { ...index, relocations } as BundleIndex;
}

function invalid(file: string, problem: string): BpfError {
  return new BpfError('BUNDLE_INVALID', `${file} is not a bundle of nx-bpf that can be used: ${problem}`, {
    path: file,
    hint: 'write it again with nx-bpf bundle, and compare its SHA-256 with what that printed',
  });
}
