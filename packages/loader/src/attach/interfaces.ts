import { BpfError, nearest } from '../errors';
import { networkInterfaces, type NetworkInterface } from '../kernel';
import { inNetns } from './netns';

/** A network interface to attach to. */
export interface InterfaceTarget {
  /** Its name: `eth0`. */
  readonly interface: string;
  /** Network namespace it is in: a name below /run/netns, or a path; the current one by default. */
  readonly netns?: string | undefined;
}

/**
 * Do something with an interface, in its network namespace.
 *
 * @throws BpfError INTERFACE_NOT_FOUND with the interfaces that exist there
 */
export function onInterface<T>(target: InterfaceTarget, action: (device: NetworkInterface) => T): T {
  return inNetns(target.netns, () => action(findInterface(target)));
}

/** The interface in the current namespace, which must already be the target's. */
export function findInterface(target: InterfaceTarget): NetworkInterface {
  const all = networkInterfaces();
  const device = all.find((entry) => entry.name === target.interface);
  if (device !== undefined) return device;
  const names = all.map((entry) => entry.name);
  const near = nearest(target.interface, names);
  const where = target.netns === undefined ? '' : ` in network namespace '${target.netns}'`;
  throw new BpfError('INTERFACE_NOT_FOUND', `no network interface '${target.interface}'${where}`, {
    symbol: target.interface,
    found: `only ${names.join(', ')}`,
    hint: near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'name one of these, or create it first',
  });
}

/** `eth0`, or `eth0 in netns edge`. */
export function interfaceText({ interface: name, netns }: InterfaceTarget): string {
  return netns === undefined ? name : `${name} in netns ${netns}`;
}
