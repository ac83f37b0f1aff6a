import fs from 'node:fs';
import path from 'node:path';
import { BpfError } from '@nx-bpf/loader';
import { at, placeText, type ProjectConfig } from '../manifest';
import { callingUser } from './calling-user';
import { compilerArguments, relativeTo } from './arguments';
import { writeAtomically } from './atomic-file';
import { type BuiltHere } from './built-here';
import { isFresh, readRecord, recordKey, writeRecord, type BuildRecord } from './build-record';
import { parseDependencies } from './dependencies';
import { diagnosticText, isError, parseDiagnostics, type Diagnostic } from './diagnostics';
import { execute } from './execute';
import { type FileDigests, sha256 } from './file-digests';
import { type Clang } from './find-clang';
import { stripDebug } from './strip-debug';
import { type VmlinuxHeader } from './vmlinux';

/** An object of the manifest, compiled. */
export interface BuiltObject {
  readonly name: string;
  /** Absolute path of the object file. */
  readonly file: string;
  readonly sha256: string;
  /** Digest of all the files it was made from, and that of compiler and flags. */
  readonly sources: string;
  readonly toolchain: string;
  /** First line of `clang --version`. */
  readonly compiler: string;
  /** What clang gets, source and outputs apart; where vmlinux.h is, is `vmlinux`. */
  readonly flags: readonly string[];
  /** SHA-256 of the vmlinux.h that it includes, null if it includes none. */
  readonly vmlinux: string | null;
  /** Nothing has changed since it was compiled. */
  readonly cached: boolean;
  /** The files it was made from, absolute: the source, then its headers. */
  readonly inputs: readonly string[];
  /** Warnings and notes. */
  readonly diagnostics: readonly Diagnostic[];
}

/** What all objects of a build share. */
export interface BuildContext {
  readonly config: ProjectConfig;
  readonly clang: Clang;
  readonly vmlinux: VmlinuxHeader;
  readonly outDir: string;
  readonly digests: FileDigests;
  /** What was compiled here: another object is only taken if it is locked. */
  readonly built: BuiltHere;
  /** SHA-256 of objects by name, as the lock file has them. */
  readonly locked: Readonly<Record<string, string>>;
  /** Receives what clang says, and with `verbose` how it is called. */
  readonly note: (text: string) => void;
  readonly verbose: boolean;
}

/**
 * Compiles one object, unless that would give what is there, and it was compiled here or is the one that is locked: who
 * writes to a cache that dist is restored from can write an object and a record that agree.
 *
 * @throws BpfError COMPILE_FAILED with clang's own text; MANIFEST_INVALID if there is no such source
 */
export async function compileObject(name: string, context: BuildContext): Promise<BuiltObject> {
  const { config, clang, vmlinux, outDir, digests, built, locked, note } = context;
  const { workspaceRoot } = config;
  const object = config.objects[name]!;
  const source = relativeTo(workspaceRoot, object.source);
  if (!fs.existsSync(object.source)) throw missingSource(config, name, source);

  const args = compilerArguments({ config, object, clang, vmlinux: vmlinux.directory });
  const file = path.join(outDir, `${name}.bpf.o`);
  const recordFile = path.join(outDir, `${name}.bpf.json`);
  const key = recordKey([...args, source], clang.identity, workspaceRoot);
  const before = readRecord(recordFile);
  const question = { key, objectFile: file, args, workspaceRoot, digests };
  const place = relativeTo(workspaceRoot, file);
  const fresh =
    before !== undefined &&
    isFresh(before, question) &&
    (built.has(place, before) || (Object.hasOwn(locked, name) && locked[name] === before.object));
  const record = fresh ? before : await compile(name, { args, key, source, file }, context);
  if (!fresh) {
    writeRecord(recordFile, record);
    built.add(place, record);
  }
  if (record.messages !== '') note(record.messages);
  return {
    name,
    file,
    sha256: record.object,
    sources: sha256(JSON.stringify(Object.entries(record.inputs).sort(([a], [b]) => (a < b ? -1 : 1)))),
    toolchain: record.key,
    compiler: clang.identity,
    flags: args.map((arg) => withoutPlace(arg, vmlinux, workspaceRoot)),
    vmlinux: vmlinuxDigest(record, vmlinux, workspaceRoot),
    cached: fresh,
    inputs: Object.keys(record.inputs).map((input) => path.resolve(workspaceRoot, input)),
    diagnostics: parseDiagnostics(record.messages),
  };
}

/** A flag as it is in every checkout and for every kernel. */
function withoutPlace(arg: string, { directory }: VmlinuxHeader, workspaceRoot: string): string {
  if (directory !== undefined && arg === `-I${relativeTo(workspaceRoot, directory)}`) return '-Ivmlinux';
  return arg.replaceAll(workspaceRoot, '.');
}

function vmlinuxDigest(
  record: BuildRecord,
  { directory }: VmlinuxHeader,
  workspaceRoot: string,
): string | null {
  if (directory === undefined) return null;
  return record.inputs[relativeTo(workspaceRoot, path.join(directory, 'vmlinux.h'))] ?? null;
}

interface Job {
  readonly args: readonly string[];
  readonly key: string;
  readonly source: string;
  readonly file: string;
}

/** Runs clang into temporary files, strips its output, and puts object and dependency file in place. */
async function compile(
  name: string,
  { args, key, source, file }: Job,
  context: BuildContext,
): Promise<BuildRecord> {
  const { config, clang, outDir, note, verbose } = context;
  const { workspaceRoot } = config;
  fs.mkdirSync(outDir, { recursive: true });
  const temporary = fs.mkdtempSync(path.join(outDir, `.${name}-`));
  const user = callingUser();
  if (user !== undefined) fs.lchownSync(temporary, user.uid, user.gid);
  try {
    const output = path.join(temporary, 'o');
    const dependencies = path.join(temporary, 'd');
    const rule = relativeTo(workspaceRoot, file);
    const all = [...args, '-MD', '-MF', dependencies, '-MT', rule, '-c', source, '-o', output];
    if (verbose) note([clang.path, ...all].join(' '));
    const result = await execute(clang.path, all, workspaceRoot);
    if (result?.status !== 0) throw compileFailed(name, result?.stderr ?? 'clang is gone', context);

    const bytes = stripDebug(fs.readFileSync(output), name);
    const text = fs.readFileSync(dependencies, 'utf8');
    const inputs = parseDependencies(text).map((input) => portable(workspaceRoot, input));
    // Read again, not from the digests known before: what clang has read is what is there now.
    const digests = inputs.map((input) => [input, digestOf(path.resolve(workspaceRoot, input))] as const);
    writeAtomically(file, bytes);
    writeAtomically(file.replace(/\.o$/, '.d'), text);
    const messages = result.stderr.trimEnd();
    return { key, inputs: Object.fromEntries(digests), object: sha256(bytes), messages };
  } finally {
    fs.rmSync(temporary, { recursive: true, force: true });
  }
}

/** Relative where inside the workspace, absolute for headers of the system. */
function portable(workspaceRoot: string, input: string): string {
  const relative = relativeTo(workspaceRoot, path.resolve(workspaceRoot, input));
  return relative.startsWith('..') ? path.resolve(workspaceRoot, input) : relative;
}

function digestOf(file: string): string {
  return sha256(fs.readFileSync(file));
}

function compileFailed(name: string, text: string, { vmlinux }: BuildContext): BpfError {
  const diagnostics = parseDiagnostics(text);
  const first = diagnostics.find(isError);
  const lacksVmlinux = vmlinux.missing !== undefined && /'vmlinux\.h' file not found/.test(text);
  return new BpfError('COMPILE_FAILED', `object '${name}' does not compile:\n${text.trimEnd()}`, {
    object: name,
    file: first?.file,
    line: first?.line,
    column: first?.column,
    problems: diagnostics.filter(isError).map(diagnosticText),
    hint: lacksVmlinux
      ? `vmlinux.h could not be made: ${vmlinux.missing}; name a BTF or header file as toolchain.vmlinux in the manifest`
      : undefined,
  });
}

function missingSource(config: ProjectConfig, name: string, source: string): BpfError {
  const place = at(config, `objects.${name}.source`);
  const where = place === undefined ? '' : `${placeText(place)}: `;
  const problem = `${where}objects.${name}.source: there is no file ${source}`;
  return new BpfError('MANIFEST_INVALID', problem, {
    file: place?.file,
    line: place?.line,
    column: place?.column,
    path: source,
    problems: [problem],
  });
}
