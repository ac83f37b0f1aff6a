import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { BpfError } from '@nx-bpf/loader';
import { isExecutable } from '../toolchain';

/** The Debian packages that have the commands which a guest takes. */
const packages: Readonly<Record<string, string>> = {
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-system-aarch64': 'qemu-system-arm',
  busybox: 'busybox-static',
  ldd: 'libc-bin',
  xz: 'xz-utils',
};

/**
 * The path of a command.
 *
 * @throws BpfError TOOLCHAIN_NOT_FOUND, with the Debian package to install
 */
export function requireCommand(name: string): string {
  const [found] = requireCommands([name]);
  return found!;
}

/**
 * The paths of commands.
 *
 * @throws BpfError TOOLCHAIN_NOT_FOUND, with all that are missing and the Debian packages to install
 */
export function requireCommands(names: readonly string[]): string[] {
  const found = names.map(findCommand);
  const missing = names.filter((_name, i) => found[i] === undefined);
  if (missing.length === 0) return found as string[];
  const text = `a virtual machine needs ${missing.join(' and ')}: not found in PATH`;
  throw new BpfError('TOOLCHAIN_NOT_FOUND', text, {
    path: missing[0],
    hint: `on Debian: apt-get install ${missing.map((name) => packages[name] ?? name).join(' ')}`,
  });
}

function findCommand(name: string): string | undefined {
  // Debian keeps administrators' tools where a user's PATH does not look. A relative part of PATH would be the workspace's.
  const places = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/sbin', '/sbin'].filter(
    (place) => path.isAbsolute(place),
  );
  return places.map((place) => path.join(place, name)).find(isExecutable);
}

/** Runs a command to its end and returns what it printed. */
export function output(command: string, args: readonly string[]): Buffer {
  const { status, stdout, stderr, error } = spawnSync(requireCommand(command), args, { maxBuffer: 1 << 28 });
  if (status === 0) return stdout;
  const why = error?.message ?? stderr.toString('utf8').trim();
  throw new BpfError('FILE', `${command} ${args.join(' ')} failed: ${why}`, { path: args.at(-1) }, error);
}
