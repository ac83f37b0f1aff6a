import fs from 'node:fs';
import {
  allTracepoints,
  BpfError,
  cgroupPath,
  hasKernelFunction,
  hasStructOps,
  inNetns,
  networkInterfaces,
  type OptionType,
} from '@nx-bpf/loader';
import { hooks, type AttachEntry, type LinkEntry } from '../manifest';

/**
 * Whether what an attachment names is there. Asked for entries that are `optional`: those without a target are left
 * out, and made by a later apply once it is there.
 */
export function hasTarget(entry: LinkEntry): boolean {
  if (entry.hook === 'struct_ops') return hasStructOps(entry.options.struct, false);
  const netns = entry.netns ?? undefined;
  if (netns !== undefined && !hasNetns(netns)) return false;
  const { keys } = hooks[entry.hook]!;
  const places = Object.entries(entry.options).map(([key, value]) => [keys[key]!.type, value] as const);
  return places.every(([type, value]) => isThere(type, value, netns)) && hasTracepoint(entry);
}

function isThere(type: OptionType, value: unknown, netns: string | undefined): boolean {
  if (typeof value !== 'string') return true;
  switch (type) {
    case 'interface':
      return inNetns(netns, () => networkInterfaces().some((device) => device.name === value));
    case 'cgroup':
      return hasCgroup(value);
    case 'kernel_function':
      return hasKernelFunction(value);
    case 'map':
    case 'program':
    case 'link':
    case 'file':
      return !value.startsWith('/') || fs.existsSync(value);
    default:
      return true;
  }
}

function hasNetns(netns: string): boolean {
  return fs.existsSync(netns.includes('/') ? netns : `/run/netns/${netns}`);
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

function hasTracepoint({ hook, options }: AttachEntry): boolean {
  if (hook !== 'tracepoint') return true;
  const { category, name } = options;
  return category === undefined || name === undefined || allTracepoints().includes(`${category}/${name}`);
}
