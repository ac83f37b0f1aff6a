import { existsSync, readFileSync } from 'node:fs';
import { SetupError, isRoot, run } from './command.mjs';

/** Where programs, maps and links are pinned, and where the kernel names its tracepoints. */
const wanted = [
  { type: 'bpf', at: '/sys/fs/bpf', options: 'mode=0700' },
  { type: 'tracefs', at: '/sys/kernel/tracing', options: 'mode=0700' },
];

/** The mounts of this process: proc_pid_mountinfo(5). */
function mounts() {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').trimEnd().split('\n');
  return lines.map((line) => {
    const [before, after] = line.split(' - ');
    // mountinfo writes a space in a path as \040.
    const at = before
      .split(' ')[4]
      .replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8)));
    return { at, type: after.split(' ')[0] };
  });
}

/** Mounts the file systems that a deployment needs and that nobody has mounted yet. Returns what it did. */
export function mountFileSystems() {
  const mounted = mounts();
  const missing = wanted.filter(
    ({ at, type }) => !mounted.some((mount) => mount.at === at && mount.type === type),
  );
  return missing.map(({ type, at, options }) => {
    const command = ['-t', type, '-o', options, type, at];
    if (!isRoot) throw new SetupError(`${at} is not mounted; as root: mount ${command.join(' ')}`);
    if (!existsSync(at)) {
      throw new SetupError(
        `${at} does not exist: this kernel has no ${type} file system, or /sys is hidden from us`,
      );
    }
    run('mount', command);
    return `mounted ${at}`;
  });
}

/** Where the cgroup v2 hierarchy is: /sys/fs/cgroup on stock Debian, elsewhere on a hybrid system. */
export function cgroupRoot() {
  const mount = mounts().find(({ type }) => type === 'cgroup2');
  if (!mount)
    throw new SetupError(
      'no cgroup v2 file system is mounted; as root: mount -t cgroup2 none /sys/fs/cgroup',
    );
  return mount.at;
}
