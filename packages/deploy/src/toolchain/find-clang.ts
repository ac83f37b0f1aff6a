import fs from 'node:fs';
import path from 'node:path';
import { BpfError } from '@nx-bpf/loader';
import { execute } from './execute';
import { rememberedIdentity, rememberIdentity } from './remembered-clang';

/** A clang that compiles for BPF. */
export interface Clang {
  /** Absolute. */
  readonly path: string;
  /** Major version. */
  readonly version: number;
  /** The whole first line of `clang --version`: builds of one version by different makers can differ. */
  readonly identity: string;
}

/** Older ones lack -fdebug-compilation-dir as we use it, or BTF for what our tests hold. */
const oldest = 14;

/** What plain `clang` stands for where nothing has that name: Debian installs versions side by side. */
const versions = [
  'clang-22',
  'clang-21',
  'clang-20',
  'clang-19',
  'clang-18',
  'clang-17',
  'clang-16',
  'clang-15',
  'clang-14',
];

/**
 * Finds clang and checks that it can compile for BPF.
 *
 * @param wanted a name to look for in PATH, or an absolute path; for `clang` also `clang-22` down to `clang-14`
 * @param memory folder in which to remember what it said of itself; without one it is asked each time
 * @throws BpfError TOOLCHAIN_NOT_FOUND, which says what was looked for and how to install it
 *
 * @example
 * ```ts
 * (await findClang('clang')).identity; // 'Debian clang version 19.1.7 (3~deb12u1)'
 * ```
 */
export async function findClang(wanted: string, memory?: string): Promise<Clang> {
  const names = wanted === 'clang' ? [wanted, ...versions] : [wanted];
  const found = names.map(locate).find((file) => file !== undefined);
  if (found === undefined) {
    const where = path.isAbsolute(wanted) ? '' : ` in PATH (${process.env['PATH'] ?? 'which is empty'})`;
    const which = names.length === 1 ? `'${wanted}'` : `'${wanted}' nor '${names[1]}' to '${names.at(-1)}'`;
    throw new BpfError('TOOLCHAIN_NOT_FOUND', `no ${which}${where}`, {
      symbol: wanted,
      hint: `install one: on Debian, apt install ${/^clang-\d+$/.test(wanted) ? wanted : 'clang'}; or name another as toolchain.clang in the manifest`,
    });
  }
  const remembered = memory === undefined ? undefined : rememberedIdentity(memory, found);
  if (remembered !== undefined) return { path: found, version: majorOf(remembered), identity: remembered };
  const [version, targets] = await Promise.all([
    execute(found, ['--version'], path.dirname(found)),
    execute(found, ['--print-targets'], path.dirname(found)),
  ]);
  const identity = version?.stdout.split('\n')[0]?.trim() ?? '';
  const major = majorOf(identity);
  if (Number.isNaN(major) || major < oldest) {
    throw new BpfError('TOOLCHAIN_NOT_FOUND', `${found} is not a clang that will do`, {
      path: found,
      found: identity === '' ? 'no version' : `'${identity}'`,
      expected: `clang ${oldest} or newer`,
      hint: 'on Debian, apt install clang',
    });
  }
  if (!/^\s*bpf\b/m.test(targets?.stdout ?? '')) {
    throw new BpfError('TOOLCHAIN_NOT_FOUND', `${found} cannot compile for BPF`, {
      path: found,
      hint: 'it was built without that target; on Debian, apt install clang brings one that has it',
    });
  }
  if (memory !== undefined) rememberIdentity(memory, found, identity);
  return { path: found, version: major, identity };
}

function majorOf(identity: string): number {
  return Number(/clang version (\d+)\./.exec(identity)?.[1] ?? NaN);
}

function locate(name: string): string | undefined {
  const directories = (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .filter((directory) => path.isAbsolute(directory));
  const candidates = path.isAbsolute(name)
    ? [name]
    : directories.map((directory) => path.join(directory, name));
  return candidates.find(isExecutable);
}

/** Whether a file is there that this user may run. */
export function isExecutable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}
