import fs from 'node:fs';
import { allTracepoints, BpfError, cgroupPath, inNetns, networkInterfaces } from '@nx-bpf/loader';
import { type AttachEntry } from '../manifest';

/**
 * Whether what an attachment names is there. Asked for entries that are `optional`: those without a target are left
 * out, and made by a later apply once it is there.
 */
export function hasTarget(entry: AttachEntry): boolean {
  switch (entry.hook) {
    case 'xdp':
    case 'tcx':
      return hasInterface(entry.options.interface, entry.netns ?? undefined);
    case 'cgroup':
      return hasCgroup(entry.options.path);
    case 'tracepoint': {
      const { category, name } = entry.options;
      if (category === undefined || name === undefined) return true;
      return allTracepoints().includes(`${category}/${name}`);
    }
    case 'raw_tracepoint':
    case 'tp_btf':
      return true;
  }
}

function hasInterface(name: string, netns: string | undefined): boolean {
  if (netns !== undefined && !fs.existsSync(netns.includes('/') ? netns : `/run/netns/${netns}`))
    return false;
  return inNetns(netns, () => networkInterfaces().some((device) => device.name === name));
}

function hasCgroup(path: string): boolean {
  try {
    cgroupPath(path);
    return true;
  } catch (error) {
    if (error instanceof BpfError && error.code === 'CGROUP_NOT_FOUND') return false;
    throw error;
  }
}
