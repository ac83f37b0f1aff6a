import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  fileSystemMagic,
  fileSystemType,
  Mount,
  mount,
  Namespace,
  unmount,
  unshare,
} from '../../packages/loader/src/kernel';

/** Places that this thread and its child processes have to themselves. */
export interface OwnMounts {
  /** A bpffs that is seen by no other process. */
  readonly bpffs: string;
  /** An empty directory for files. */
  readonly directory: string;
  /** Takes all of it away. */
  end(): void;
}

/**
 * Puts this thread into a mount namespace of its own with a bpffs, a tracefs and an empty /run/netns, so nothing that it
 * mounts, pins or names is seen outside.
 */
export function ownMounts(): OwnMounts {
  const home = mkdtempSync(path.join(tmpdir(), 'nx-bpf-test-'));
  const bpffs = path.join(home, 'bpffs');
  const directory = path.join(home, 'files');
  const end = (): void => {
    if (fileSystemType(bpffs) === fileSystemMagic.bpffs) unmount(bpffs);
    rmSync(home, { recursive: true, force: true });
  };
  try {
    mkdirSync(bpffs);
    mkdirSync(directory);
    unshare(Namespace.MOUNT);
    mount({ target: '/', flags: Mount.REC | Mount.PRIVATE });
    mount({ type: 'bpf', target: bpffs });
    if (fileSystemType('/sys/kernel/tracing') !== fileSystemMagic.tracefs) {
      mount({ type: 'tracefs', target: '/sys/kernel/tracing' });
    }
    mkdirSync('/run/netns', { recursive: true });
    mount({ type: 'tmpfs', target: '/run/netns' });
  } catch (error) {
    end();
    throw error;
  }
  return { bpffs, directory, end };
}
