import fs from 'node:fs';
import path from 'node:path';
import { BpfError } from '@nx-bpf/loader';
import { type ProjectConfig } from '../manifest';
import { writeAtomically, type BuiltObject } from '../toolchain';
import { isLockEntry, lockDifferences, lockEntry, type LockEntry, type LockedKernel } from './lock-entry';

/** At the root of the workspace, to be committed. */
export const lockFile = 'bpf.lock.json';

/** Entries by project and environment. */
interface LockFile {
  readonly version: 1;
  readonly projects: Readonly<Record<string, Readonly<Record<string, LockEntry>>>>;
  /** Packages of kernels that programs are verified for, by their names in manifests; absent where none is named. */
  readonly kernels?: Readonly<Record<string, LockedKernel>>;
}

/**
 * Records what a project in an environment was built from and what came of it, and the packages of the kernels that it
 * is verified for.
 *
 * @returns whether the file changed
 * @throws BpfError LOCK_MISMATCH for a file that is no lock file, which is left as it is
 */
export function updateLock(
  config: ProjectConfig,
  objects: readonly BuiltObject[],
  kernels: Readonly<Record<string, LockedKernel>> = {},
): boolean {
  const file = path.join(config.workspaceRoot, lockFile);
  const before = readLockFile(file);
  const { project, environment } = config;
  const environments = { ...before?.projects[project], [environment]: lockEntry(config, objects) };
  const text = render({
    version: 1,
    projects: { ...before?.projects, [project]: sorted(environments) },
    kernels: { ...before?.kernels, ...kernels },
  });
  if (before !== undefined && fs.readFileSync(file, 'utf8') === text) return false;
  writeAtomically(file, text);
  return true;
}

/**
 * Refuses what was not built as the lock file says: with another compiler, from other sources, or never locked.
 *
 * @throws BpfError LOCK_MISMATCH with every difference
 */
export function checkLock(config: ProjectConfig, objects: readonly BuiltObject[]): void {
  const { project, environment, workspaceRoot } = config;
  const locked = readLockFile(path.join(workspaceRoot, lockFile))?.projects[project]?.[environment];
  const update = `if this is meant, nx-bpf lock ${project} -e ${environment} records it`;
  if (locked === undefined) {
    throw new BpfError('LOCK_MISMATCH', `${project}@${environment} is not in ${lockFile}`, {
      path: lockFile,
      hint: update,
    });
  }
  if (!isLockEntry(locked)) throw notALockFile();
  const problems = lockDifferences(locked, lockEntry(config, objects));
  if (problems.length === 0) return;
  throw new BpfError(
    'LOCK_MISMATCH',
    `${project}@${environment} is not what ${lockFile} says:\n${problems.map((line) => `  ${line}`).join('\n')}`,
    { path: lockFile, problems, hint: hintFor(config, problems, update) },
  );
}

function hintFor(config: ProjectConfig, problems: readonly string[], update: string): string {
  const header = problems.some((line) => line.startsWith('vmlinux.h'));
  if (header && config.toolchain.vmlinux.kind === 'kernel') {
    return `vmlinux.h is made from the running kernel: name a BTF or header file as toolchain.vmlinux, so that it is the same everywhere; ${update}`;
  }
  return update;
}

/** SHA-256 of the objects of a project in its environment, by name; none where they are not locked, or not readably. */
export function lockedObjects({
  workspaceRoot,
  project,
  environment,
}: ProjectConfig): Readonly<Record<string, string>> {
  try {
    const locked = readLockFile(path.join(workspaceRoot, lockFile))?.projects[project]?.[environment];
    if (!isLockEntry(locked)) return {};
    return Object.fromEntries(Object.entries(locked.objects).map(([name, { object }]) => [name, object]));
  } catch {
    return {};
  }
}

/** @throws BpfError LOCK_MISMATCH for a file that is no lock file */
export function readLockFile(file: string): LockFile | undefined {
  let text;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  let content: Partial<LockFile> | null = null;
  try {
    content = JSON.parse(text) as Partial<LockFile> | null;
  } catch {
    // Said below, with what else can be wrong.
  }
  const { version, projects, kernels = {} } = content ?? {};
  if (
    version === 1 &&
    isRecord(projects) &&
    isRecord(kernels) &&
    Object.values(kernels).every(isLockedKernel)
  ) {
    return content as LockFile;
  }
  throw notALockFile();
}

function notALockFile(): BpfError {
  return new BpfError('LOCK_MISMATCH', `${lockFile} is not a lock file of this version`, {
    path: lockFile,
    hint: 'a merge may have left its marks in it; delete it, and nx-bpf lock writes it anew',
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isLockedKernel(value: unknown): boolean {
  return isRecord(value) && ['package', 'version', 'sha256'].every((key) => typeof value[key] === 'string');
}

function render({ version, projects, kernels = {} }: LockFile): string {
  const locked = Object.keys(kernels).length === 0 ? {} : { kernels: sorted(kernels) };
  return `${JSON.stringify({ version, projects: sorted(projects), ...locked }, null, 2)}\n`;
}

function sorted<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
