import { ipBytes } from '../bytes';
import { BpfError } from '../errors';
import {
  Errno,
  programInfo,
  putRoute,
  removeRoute,
  type RouteAnswer,
  routesTo,
  type RouteKey,
  type RouteProgram,
} from '../kernel';
import { ProgramType } from '../object';
import { lwtCauses } from './causes';
import { attachFailed } from './failure';
import { interfaceText, onInterface, type InterfaceTarget } from './interfaces';
import { NetlinkAttachment } from './netlink-attachment';
import { type AttachableProgram } from './program';
import { requireType } from './require-type';

export interface LwtOptions extends InterfaceTarget {
  /** The network that the route leads to: `10.1.0.0/16`, `fd00::/8`; for seg6local the segment, such as `fd00::1`. */
  readonly destination: string;
  /** Address of the gateway, if there is one. */
  readonly via?: string | undefined;
  /** The routing table; the main one, 254, by default. */
  readonly table?: number | undefined;
  /** Of several routes to a network the one with the least metric is taken; the kernel's own default if left out. */
  readonly metric?: number | undefined;
  /** Bytes that a program of `lwt_xmit` may put before packets; up to 256, none by default. */
  readonly headroom?: number | undefined;
}

/** Where on a packet's way a program of each type runs: as it comes in, as it goes out, before the link layer. */
const places: Readonly<Record<number, RouteProgram['place']>> = {
  [ProgramType.lwt_in]: 'in',
  [ProgramType.lwt_out]: 'out',
  [ProgramType.lwt_xmit]: 'xmit',
  [ProgramType.lwt_seg6local]: 'seg6local',
};

/** RT_TABLE_MAIN of include/uapi/linux/rtnetlink.h. */
const mainTable = 254;

/**
 * Make a route whose packets run a program (a lightweight tunnel): `lwt_in`, `lwt_out` and `lwt_xmit` (Linux 4.10), or
 * `lwt_seg6local` on an IPv6 segment (Linux 4.18). The route is new; one that is there is not touched.
 *
 * It is no link: the route stays when this process ends, unless it is closed or detached before, or its interface goes.
 *
 * @throws BpfError INTERFACE_NOT_FOUND, CONSTANT_INVALID for what is no network or address, ATTACH_CONFLICT when there
 *   is such a route, PRIVILEGE_MISSING, ATTACH_FAILED
 *
 * @example
 * ```ts
 * const route = attachLwt(program, { interface: 'eth0', destination: '10.1.0.0/16' });
 * route.update(newProgram, program);
 * route.detach();
 * ```
 */
export function attachLwt(program: AttachableProgram, options: LwtOptions): LwtRoute {
  const place = lwtPlace(program);
  // Before the interface is looked for.
  routeOf(options, place, 0);
  return onInterface(options, ({ index: ifindex }) => {
    const route = routeOf(options, place, ifindex);
    put(program, route, 'create');
    return new LwtRoute(route);
  });
}

/** The route that options ask for. */
function routeOf(options: LwtOptions, place: RouteProgram['place'], ifindex: number): Route {
  const { destination, prefix } = network(options.destination);
  const { via, table = mainTable, metric = 0 } = options;
  const gateway = via === undefined ? undefined : address(via);
  return { place, options, key: { destination, prefix, ifindex, via: gateway, table, metric } };
}

/** Where a program of a type runs. @throws BpfError ATTACH_FAILED for one of another type */
export function lwtPlace(program: AttachableProgram): RouteProgram['place'] {
  requireType(program, 'lwt', Object.keys(places).map(Number));
  return places[program.type]!;
}

/** What tells a route from others, as plain data: {@link openPlace} finds it again. */
export interface LwtPlace extends Omit<LwtOptions, 'netns'> {
  readonly hook: 'lwt';
  readonly netns: string | null;
  readonly ifindex: number;
  /** Where on a packet's way the program runs. */
  readonly kind: RouteProgram['place'];
}

/** A route as it was asked for. */
interface Route {
  readonly place: RouteProgram['place'];
  readonly key: RouteKey;
  readonly options: LwtOptions;
}

function describe({ place, options }: Route): string {
  return `lwt ${place} of ${options.destination} on ${interfaceText(options)}`;
}

function put(program: AttachableProgram, route: Route, mode: 'create' | 'replace'): void {
  const { place, key, options } = route;
  // The kernel takes programs of one name for the same, and keeps the old one (bpf_lwt_prog_cmp(), since Linux 4.10).
  const name = `${program.name}[${programInfo(program.fd).id}]`;
  const { error, text } = putRoute(key, { place, fd: program.fd, name, headroom: options.headroom }, mode);
  if (error === 0) return;
  const attempt = {
    program,
    where: describe(route),
    needs: ['CAP_NET_ADMIN'],
    causes: lwtCauses,
    conflicts: [Errno.EEXIST],
    said: text,
  } as const;
  throw attachFailed(attempt, error);
}

/**
 * A route whose packets run a program.
 *
 * @example
 * ```ts
 * using route: LwtRoute = attachLwt(program, { interface: 'eth0', destination: '10.2.0.0/16' });
 * route.describe(); // 'lwt out of 10.2.0.0/16 on eth0'
 * ```
 */
export class LwtRoute extends NetlinkAttachment {
  readonly hook = 'lwt';

  constructor(private readonly route: Route) {
    super({ target: route.options, ifindex: route.key.ifindex, causes: lwtCauses, goneErrors });
  }

  /** The route of a place, without a look whether it is there. */
  static at({ kind, ifindex, netns, ...options }: LwtPlace): LwtRoute {
    return new LwtRoute(routeOf({ ...options, netns: netns ?? undefined }, kind, ifindex));
  }

  get place(): LwtPlace {
    const { options, key, place } = this.route;
    const { interface: name, netns = null, destination, via, table, metric, headroom } = options;
    return {
      ...{ hook: 'lwt', interface: name, netns, ifindex: key.ifindex, kind: place },
      ...{ destination, via, table, metric, headroom },
    };
  }

  /** What the kernel knows it by. */
  get key(): RouteKey {
    return this.route.key;
  }

  describe(): string {
    return describe(this.route);
  }

  /**
   * Id of the program that the route runs now, as far as a loader told the kernel.
   *
   * @returns undefined when the route is gone, or somebody else put a program into it
   */
  programId(): number | undefined {
    const { key, place } = this.route;
    const routes = this.onDevice('look', () => routesTo(key));
    const ours = routes.find(({ ifindex, program }) => ifindex === key.ifindex && program?.place === place);
    return idInName(ours?.program?.name);
  }

  /**
   * Put another program into the route; no packet passes between the two. The kernel compares nothing here: whether the
   * expected program is there is looked at right before.
   *
   * @throws BpfError ATTACH_CONFLICT when another program than the expected one is there, ATTACH_FAILED when the route
   *   is gone
   */
  update(program: AttachableProgram, expected?: { readonly fd: number }): void {
    const { place } = this.route;
    const types = Object.keys(places).map(Number);
    requireType(
      program,
      `lwt ${place}`,
      types.filter((type) => places[type] === place),
    );
    this.expect(expected, () => this.programId());
    this.onDevice('update', () => put(program, this.route, 'replace'));
  }

  /** @throws BpfError PIN_FAILED always: a route needs no pin to stay */
  pin(path: string): never {
    throw new BpfError('PIN_FAILED', `${this.describe()}: a route cannot be pinned`, {
      path,
      hint: 'it stays without a pin, as long as its interface: release() it',
    });
  }

  protected remove(): RouteAnswer {
    return removeRoute(this.route.key);
  }

  protected gone(action: string): BpfError {
    return new BpfError('ATTACH_FAILED', `${this.describe()}: ${action}: the route went with its interface`, {
      errno: 'ENODEV',
      hint: 'attach anew',
    });
  }
}

/** The id of the program that a name was made with: see {@link put}. */
export function idInName(name: string | undefined): number | undefined {
  const id = name === undefined ? undefined : /\[(\d+)\]$/.exec(name)?.[1];
  return id === undefined ? undefined : Number(id);
}

const goneErrors = ['ENOENT', 'ESRCH', 'ENODEV'];

function network(text: string): { readonly destination: Uint8Array; readonly prefix: number } {
  const [start = '', length, ...rest] = text.split('/');
  const destination = ipBytes(start);
  const bits = (destination?.length ?? 0) * 8;
  const prefix = length === undefined ? bits : /^\d+$/.test(length) ? Number(length) : -1;
  if (destination === undefined || rest.length > 0 || prefix < 0 || prefix > bits) {
    throw new BpfError('CONSTANT_INVALID', `attach to lwt: '${text}' is no network`, {
      symbol: text,
      expected: 'one such as 10.1.0.0/16 or fd00::/8',
    });
  }
  return { destination, prefix };
}

function address(text: string): Uint8Array {
  const bytes = ipBytes(text);
  if (bytes !== undefined) return bytes;
  throw new BpfError('CONSTANT_INVALID', `attach to lwt: '${text}' is no address of a gateway`, {
    symbol: text,
    expected: 'one such as 10.0.0.1 or fd00::1',
  });
}
