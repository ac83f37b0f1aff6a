import fs from 'node:fs';
import path from 'node:path';
import { BpfError, fileSystemMagic, fileSystemType } from '@nx-bpf/loader';

/**
 * Refuses a pin root that is not on a bpf file system, before anything is made there. What is above the root may be
 * missing: then the nearest directory that exists counts.
 *
 * @throws BpfError NO_BPFFS
 */
export function requireBpffs(root: string): void {
  let there = root;
  while (!fs.existsSync(there)) there = path.dirname(there);
  if (fileSystemType(there) === fileSystemMagic.bpffs) return;
  throw new BpfError('NO_BPFFS', `pin root ${root} is not on a bpf file system`, {
    path: root,
    hint: 'mount one with: mount -t bpf bpf /sys/fs/bpf; or name another pin.root in bpf.config.yaml',
  });
}
