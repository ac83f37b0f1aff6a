import { readdirSync, statSync } from 'node:fs';
import { BpfError, nearest } from '../errors';
import { closeFd, Namespace, openPath, setNamespace } from '../kernel';

/** Where `ip netns` keeps the namespaces it names. */
const namedNamespaces = '/run/netns';

/** The file of a network namespace given by name, or by path when there is a slash in it. */
export function netnsPath(netns: string): string {
  return netns.includes('/') ? netns : `${namedNamespaces}/${netns}`;
}

/**
 * Do something in another network namespace. Only the calling thread goes there, and it comes back whatever happens,
 * so the action must be synchronous.
 *
 * @param netns name below /run/netns, or path of a namespace file (`/proc/1234/ns/net`); undefined: stay
 * @throws BpfError INTERFACE_NOT_FOUND when there is no such namespace, PRIVILEGE_MISSING without CAP_SYS_ADMIN
 *
 * @example
 * ```ts
 * inNetns('edge', () => networkInterfaces().map((entry) => entry.name)); // ['lo', 'veth0']
 * ```
 */
export function inNetns<T>(netns: string | undefined, action: () => T): T {
  if (netns === undefined) return action();
  const there = openNetns(netns);
  try {
    return inOtherNetwork(() => setNamespace(there, Namespace.NETWORK), action);
  } finally {
    closeFd(there);
  }
}

/**
 * Do something in another network namespace, and come back.
 *
 * @param enter brings this thread there
 */
export function inOtherNetwork<T>(enter: () => void, action: () => T): T {
  const here = openNetns();
  try {
    enter();
    try {
      return action();
    } finally {
      setNamespace(here, Namespace.NETWORK);
    }
  } finally {
    closeFd(here);
  }
}

/**
 * An fd of a network namespace, which the caller closes.
 *
 * @param netns as {@link inNetns} takes it; the calling thread's if left out
 * @throws BpfError INTERFACE_NOT_FOUND
 */
export function openNetns(netns = '/proc/thread-self/ns/net'): number {
  const path = netnsPath(netns);
  try {
    return openPath(path);
  } catch (error) {
    const known = knownNamespaces();
    const near = nearest(netns, known);
    throw new BpfError(
      'INTERFACE_NOT_FOUND',
      `no network namespace '${netns}'`,
      {
        path,
        symbol: netns,
        found: known.length === 0 ? `no namespace in ${namedNamespaces}` : `only ${known.join(', ')}`,
        hint:
          near.length > 0
            ? `did you mean ${near.join(' or ')}?`
            : `create it with \`ip netns add\`, or give the path of a namespace file`,
      },
      error,
    );
  }
}

/**
 * The name of a network namespace by its inode number, which links have; undefined when it has none below /run/netns.
 *
 * @example
 * ```ts
 * netnsByInode(statSync('/run/netns/edge').ino); // 'edge'
 * ```
 */
export function netnsByInode(inode: number): string | undefined {
  return knownNamespaces().find(
    (name) => statSync(netnsPath(name), { throwIfNoEntry: false })?.ino === inode,
  );
}

function knownNamespaces(): string[] {
  try {
    return readdirSync(namedNamespaces).sort();
  } catch {
    // The directory is made by the first `ip netns add`.
    return [];
  }
}
