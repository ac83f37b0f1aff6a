import fs from 'node:fs';
import path from 'node:path';
import { BpfError } from '@nx-bpf/loader';
import { type ProjectConfig } from '../manifest';

/** Instructions that the verifier walked: by environment, by the kernel's release, by program. */
type Recorded = Record<string, Record<string, Record<string, number>>>;

/** What budgets in per cent compare with: a file of the project, to be committed. */
export const recordFile = 'bpf.verified.json';

/**
 * What was recorded of an environment's programs on a kernel.
 *
 * @throws BpfError FILE for a file that is none of these
 */
export function readRecord(config: ProjectConfig, release: string): Readonly<Record<string, number>> {
  return readAll(config)[config.environment]?.[release] ?? {};
}

/**
 * Records the present figures of an environment and kernel, and keeps those of others.
 *
 * @throws BpfError FILE
 */
export function writeRecord(
  config: ProjectConfig,
  release: string,
  insns: Readonly<Record<string, number>>,
): void {
  const all = readAll(config);
  all[config.environment] = { ...all[config.environment], [release]: { ...insns } };
  const file = path.join(config.projectRoot, recordFile);
  try {
    fs.writeFileSync(file, `${JSON.stringify(sorted(all), null, 2)}\n`);
  } catch (error) {
    throw new BpfError(
      'FILE',
      `${file} cannot be written: ${(error as Error).message}`,
      { path: file },
      error,
    );
  }
}

function readAll({ projectRoot }: ProjectConfig): Recorded {
  const file = path.join(projectRoot, recordFile);
  if (!fs.existsSync(file)) return {};
  let value: unknown;
  try {
    value = JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    throw unreadable(file, error);
  }
  if (!isRecord(value, 3)) throw unreadable(file, undefined);
  return value as Recorded;
}

/** Maps in maps, with numbers in the innermost. */
function isRecord(value: unknown, depth: number): boolean {
  if (depth === 0) return typeof value === 'number';
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((each) => isRecord(each, depth - 1));
}

function unreadable(file: string, cause: unknown): BpfError {
  return new BpfError(
    'FILE',
    `${file} is no record of instructions`,
    { path: file, hint: 'remove it, and record anew with nx-bpf verify --level kernel --record' },
    cause,
  );
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  );
}
