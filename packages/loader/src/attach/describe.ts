import {
  functionsAt,
  networkInterfaces,
  type LinkInfo,
  type NetworkInterface,
  type PerfEventTarget,
} from '../kernel';
import { AttachType } from '../object';
import { cgroupById } from './cgroup-path';
import { cgroupTypeLabel } from './cgroup-types';
import { hookOfLink } from './hook-of-link';
import { netfilterText } from './netfilter-types';
import { netnsByInode } from './netns';
import { placesText, shownPlaces } from './places-text';

/** How numbers in a link's info are turned into names. What is left out is shown as the number. */
export interface LinkNames {
  /** The interfaces of the namespace that the links are in. */
  readonly interfaces?: readonly NetworkInterface[];
  /** Path of a cgroup by its id. */
  readonly cgroup?: (id: bigint) => string | undefined;
  /** Functions of the kernel, by address. */
  readonly functions?: (addresses: readonly bigint[]) => ReadonlyMap<bigint, string>;
  /** Name of a network namespace by its inode number. */
  readonly netns?: (inode: number) => string | undefined;
}

/** Which side of a device an attach type is on. */
const sides: Readonly<Record<number, string>> = {
  [AttachType.tcx_ingress]: 'ingress',
  [AttachType.tcx_egress]: 'egress',
  [AttachType.netkit_primary]: 'primary',
  [AttachType.netkit_peer]: 'peer',
};

/**
 * Hook and place of a link, for people.
 *
 * The kernel does not say in which network namespace a device link is: the interface is looked up in the current one,
 * and an index that is not there is shown as a number.
 *
 * @param names where names come from; by default the running kernel
 *
 * @example
 * ```ts
 * linkDescription(link.info()); // 'xdp on eth1 (native)'
 * ```
 */
export function linkDescription(info: LinkInfo, names: LinkNames = kernelNames()): string {
  const { target } = info;
  switch (target.kind) {
    case 'xdp':
      return `xdp on ${deviceText(target.ifindex, names)}${xdpMode(info, target.ifindex, names)}`;
    case 'tcx':
    case 'netkit':
      return `${target.kind} ${sides[target.attach_type] ?? target.attach_type} on ${deviceText(target.ifindex, names)}`;
    case 'cgroup':
      return `cgroup ${cgroupTypeLabel(target.attach_type)} on ${cgroupText(target.cgroup_id, names)}`;
    case 'netns':
      return `${hookOfLink(info)} on ${netnsText(target.netns_ino, names)}`;
    case 'netfilter':
      return `netfilter ${netfilterText(target)}`;
    case 'iter':
      return `iter ${target.text}${target.map_id === 0 ? '' : ` of map ${target.map_id}`}`;
    case 'struct_ops':
      return `struct_ops map ${target.map_id}`;
    case 'sockmap':
      return `${hookOfLink(info)} on ${target.map_id === 0 ? 'a map that is gone' : `map ${target.map_id}`}`;
    case 'tracing':
      return `${hookOfLink(info)} (BTF type ${target.target_btf_id})`;
    case 'kprobe_multi':
      return [hookOfLink(info), ...functionsText(target.addresses, names)].join(' ');
    case 'uprobe_multi':
      return [hookOfLink(info), ...offsetsText(target.text, target.offsets)].join(' ');
    case 'perf_event':
      return [hookOfLink(info), ...eventText(target)].join(' ');
    default:
      return target.text === '' ? hookOfLink(info) : `${hookOfLink(info)} ${target.text}`;
  }
}

/**
 * Names as the running kernel has them now: one walk each, however many links are described with them.
 *
 * @example
 * ```ts
 * const names = kernelNames();
 * for (const id of allIds('link')) withObject('link', id, (fd) => console.log(linkDescription(linkInfo(fd), names)));
 * ```
 */
export function kernelNames(): LinkNames {
  let interfaces: NetworkInterface[] | undefined;
  return {
    get interfaces() {
      return (interfaces ??= networkInterfaces());
    },
    cgroup: cgroupById,
    functions: functionsAt,
    netns: netnsByInode,
  };
}

function deviceText(ifindex: number, names: LinkNames): string {
  // The kernel clears the index when the device goes away: the link is severed.
  if (ifindex === 0) return 'a device that is gone';
  return names.interfaces?.find((device) => device.index === ifindex)?.name ?? `interface ${ifindex}`;
}

function xdpMode(info: LinkInfo, ifindex: number, names: LinkNames): string {
  const device = names.interfaces?.find((entry) => entry.index === ifindex);
  const attachment = device?.xdp.find((entry) => entry.programId === info.programId);
  return attachment === undefined ? '' : ` (${attachment.mode})`;
}

/** `do_unlinkat+0x10`, `/usr/bin/node+0x1000`; nothing where the kernel says nothing. */
function eventText({ event, text, offset, address }: PerfEventTarget): string[] {
  if (text !== '') return [`${text}${offset === 0 ? '' : `+0x${offset.toString(16)}`}`];
  return event.startsWith('k') && address !== 0n ? [`0x${address.toString(16)}`] : [];
}

/** The first few of many places; nothing where the kernel does not tell them. */
function functionsText(addresses: readonly bigint[], names: LinkNames): string[] {
  const known = addresses.filter((address) => address !== 0n);
  if (known.length === 0) return addresses.length === 0 ? [] : [`of ${addresses.length} functions`];
  const called = names.functions?.(known.slice(0, shownPlaces));
  return [placesText(known.map((address) => called?.get(address) ?? `0x${address.toString(16)}`))];
}

function offsetsText(file: string, offsets: readonly bigint[]): string[] {
  if (file === '') return [];
  return [placesText(offsets.map((offset) => `${file}+0x${offset.toString(16)}`))];
}

function netnsText(inode: number, names: LinkNames): string {
  // The kernel keeps no reference to the namespace: the link is severed when it goes.
  if (inode === 0) return 'a network namespace that is gone';
  return `netns ${names.netns?.(inode) ?? inode}`;
}

function cgroupText(id: bigint, names: LinkNames): string {
  if (id === 0n) return 'a cgroup that is gone';
  return names.cgroup?.(id) ?? `cgroup ${id}`;
}
