import { allIds, linkInfo, withObject, type LinkInfo } from '../kernel';
import { kernelNames, linkDescription } from './describe';
import { hookOfLink } from './hook-of-link';

/** A link of the system as it was when it was listed. Nothing is held of it: `Link.byId` opens it. */
export interface ListedLink {
  readonly id: number;
  /** `xdp`, `tcx`, `cgroup`, ... */
  readonly hook: string;
  /** Hook and place, for people. */
  readonly where: string;
  readonly info: LinkInfo;
}

/** Which links are wanted; all that is given must fit. */
export interface LinkFilter {
  /** Name of the hook, or several. */
  readonly hook?: string | readonly string[] | undefined;
  /** The program's id. */
  readonly programId?: number | undefined;
  /** Index of the interface that it is on. */
  readonly ifindex?: number | undefined;
  /** Anything else that can be told from the kernel's info. */
  readonly where?: ((info: LinkInfo) => boolean) | undefined;
}

/**
 * The links of the whole system, of every process and pin, by id. Attachments that are no links (tc filters, routes,
 * programs of sockets) are not among them.
 *
 * @throws BpfError PRIVILEGE_MISSING without CAP_SYS_ADMIN
 *
 * @example
 * ```ts
 * for (const { id, where } of listLinks({ hook: ['xdp', 'tcx'] })) console.log(id, where);
 * listLinks({ programId: 0x7fffffff }); // []
 * ```
 */
export function listLinks(filter: LinkFilter = {}): ListedLink[] {
  const names = kernelNames();
  return allIds('link').flatMap((id) => {
    // A link can go while they are listed.
    const info = withObject('link', id, linkInfo);
    if (info === undefined || !fits(info, filter)) return [];
    return [{ id, hook: hookOfLink(info), where: linkDescription(info, names), info }];
  });
}

function fits(info: LinkInfo, { hook, programId, ifindex, where }: LinkFilter): boolean {
  if (programId !== undefined && info.programId !== programId) return false;
  if (ifindex !== undefined && !('ifindex' in info.target && info.target.ifindex === ifindex)) return false;
  if (hook !== undefined && ![hook].flat().includes(hookOfLink(info))) return false;
  return where === undefined || where(info);
}
