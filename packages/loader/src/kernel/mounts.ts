import { fileSystemMagic, fileSystemType } from './files';
import { systemFile } from './system-file';

/** A line of /proc/PID/mountinfo (proc(5)). */
export interface MountPoint {
  readonly path: string;
  /** Which directory of the file system is shown here: `/` unless it is a bind mount. */
  readonly root: string;
  /** `bpf`, `tracefs`, `cgroup2`... */
  readonly type: string;
  /** Per-superblock options, as `mode=700`. */
  readonly options: readonly string[];
}

/**
 * Parse /proc/PID/mountinfo: `36 35 98:0 / /mnt rw,noatime master:1 - ext3 /dev/root rw,errors=continue`.
 *
 * @example
 * ```ts
 * parseMountInfo('1 0 0:1 / /sys/fs/bpf rw - bpf bpf rw,mode=700\n')[0]?.type; // 'bpf'
 * ```
 */
export function parseMountInfo(text: string): MountPoint[] {
  const points: MountPoint[] = [];
  for (const line of text.split('\n')) {
    const [front, back] = line.split(' - ', 2);
    if (front === undefined || back === undefined) continue;
    const [, , , root = '', path = ''] = front.split(' ');
    const [type = '', , options = ''] = back.split(' ');
    points.push({ path: unescapeOctal(path), root: unescapeOctal(root), type, options: options.split(',') });
  }
  return points;
}

/** Space, tab, newline and backslash are written as `\040` and so on. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}

const conventional = {
  bpf: { magic: fileSystemMagic.bpffs, path: '/sys/fs/bpf' },
  tracefs: { magic: fileSystemMagic.tracefs, path: '/sys/kernel/tracing' },
  cgroup2: { magic: fileSystemMagic.cgroup2, path: '/sys/fs/cgroup' },
} as const;

/**
 * Where a file system of this type is mounted for this process: at the usual place if it is there, else the first one
 * that shows its root and that no later mount hides.
 *
 * @example
 * ```ts
 * findMount('bpf'); // '/sys/fs/bpf'
 * ```
 */
export function findMount(type: 'bpf' | 'tracefs' | 'cgroup2'): string | undefined {
  const { magic, path: usual } = conventional[type];
  if (fileSystemType(usual) === magic) return usual;
  const points = parseMountInfo(systemFile('/proc/self/mountinfo').toString('utf8'));
  const whole = points.filter((point) => point.type === type && point.root === '/');
  return whole.map((point) => point.path).find((path) => fileSystemType(path) === magic);
}

/**
 * Every place where a file system of this type is mounted whole for this process, and no later mount hides it. Sorted.
 *
 * @example
 * ```ts
 * allMounts('bpf').includes('/sys/fs/bpf'); // true
 * ```
 */
export function allMounts(type: 'bpf' | 'tracefs' | 'cgroup2'): string[] {
  const points = parseMountInfo(systemFile('/proc/self/mountinfo').toString('utf8'));
  const whole = points.filter((point) => point.type === type && point.root === '/');
  const shown = whole
    .map((point) => point.path)
    .filter((path) => fileSystemType(path) === conventional[type].magic);
  return [...new Set(shown)].sort();
}

/**
 * tracefs, also where only debugfs is mounted, which shows it below `tracing`.
 *
 * @example
 * ```ts
 * findTracefs(); // '/sys/kernel/tracing'
 * ```
 */
export function findTracefs(): string | undefined {
  const below = '/sys/kernel/debug/tracing';
  return findMount('tracefs') ?? (fileSystemType(below) === fileSystemMagic.tracefs ? below : undefined);
}
