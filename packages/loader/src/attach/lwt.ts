import { ipBytes } from '../bytes';
import { BpfError } from '../errors';
import {
  Errno,
  errnoName,
  failure,
  programInfo,
  putRoute,
  removeRoute,
  routeProgramName,
  type RouteKey,
  type RouteProgram,
} from '../kernel';
import { ProgramType } from '../object';
import { type Attachment } from './attachment';
import { lwtCauses } from './causes';
import { attachFailed, withWords } from './failure';
import { interfaceText, onInterface, type InterfaceTarget } from './interfaces';
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
  const types = Object.keys(places).map(Number);
  requireType(program, 'lwt', types);
  return new LwtRoute(program, options);
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
export class LwtRoute implements Attachment {
  readonly hook = 'lwt';
  private readonly place: RouteProgram['place'];
  private readonly key: RouteKey;
  private held = true;

  constructor(
    program: AttachableProgram,
    private readonly options: LwtOptions,
  ) {
    this.place = places[program.type]!;
    const { destination, prefix } = network(options.destination);
    const { via, table = mainTable, metric = 0 } = options;
    const gateway = via === undefined ? undefined : address(via);
    this.key = onInterface(options, ({ index: ifindex }) => {
      const key = { destination, prefix, ifindex, via: gateway, table, metric };
      this.put(program, key, 'create');
      return key;
    });
  }

  describe(): string {
    return `lwt ${this.place} of ${this.options.destination} on ${interfaceText(this.options)}`;
  }

  /**
   * Id of the program that the route runs now, as far as a loader told the kernel.
   *
   * @returns undefined when the route is gone, or somebody else put a program into it
   */
  programId(): number | undefined {
    const name = this.onDevice(() => routeProgramName(this.key, this.place));
    const id = name === undefined ? undefined : /\[(\d+)\]$/.exec(name)?.[1];
    return id === undefined ? undefined : Number(id);
  }

  /**
   * Put another program into the route; no packet passes between the two. The kernel compares nothing here: whether the
   * expected program is there is looked at right before.
   *
   * @throws BpfError ATTACH_CONFLICT when another program than the expected one is there, ATTACH_FAILED when the route
   *   is gone
   */
  update(program: AttachableProgram, expected?: { readonly fd: number }): void {
    const types = Object.keys(places).map(Number);
    requireType(
      program,
      `lwt ${this.place}`,
      types.filter((type) => places[type] === this.place),
    );
    if (expected !== undefined) this.require(programInfo(expected.fd).id);
    this.onDevice(() => this.put(program, this.key, 'replace'));
  }

  /** @throws BpfError PIN_FAILED always: a route needs no pin to stay */
  pin(path: string): never {
    throw new BpfError('PIN_FAILED', `${this.describe()}: a route cannot be pinned`, {
      path,
      hint: 'it stays without a pin, as long as its interface: release() it',
    });
  }

  /**
   * Remove the route.
   *
   * @throws BpfError ATTACH_FAILED when it is gone already, PRIVILEGE_MISSING
   */
  detach(): void {
    this.held = false;
    const { error, text } = this.onDevice(() => removeRoute(this.key));
    if (error < 0) {
      throw failure(`${this.describe()}: detach`, error, {
        code: 'ATTACH_FAILED',
        needs: ['CAP_NET_ADMIN'],
        hint: withWords(lwtCauses[errnoName(-error)], text),
      });
    }
  }

  /** Leave the route, beyond this process: {@link close} does nothing any more. */
  release(): void {
    this.held = false;
  }

  /** Remove the route, unless it was released, or is gone already, with its interface perhaps. */
  close(): void {
    if (!this.held) return;
    try {
      this.detach();
    } catch (error) {
      const gone = error instanceof BpfError && goneCodes.has(error.fields.errno ?? error.code);
      if (!gone) throw error;
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private require(programId: number): void {
    const found = this.programId();
    if (found === programId) return;
    throw new BpfError('ATTACH_CONFLICT', `${this.describe()}: update`, {
      found: found === undefined ? 'no program of ours' : `program ${found}`,
      expected: `program ${programId}`,
      hint: 'somebody else changed the route: look again',
    });
  }

  private put(program: AttachableProgram, key: RouteKey, mode: 'create' | 'replace'): void {
    const { headroom } = this.options;
    const { place } = this;
    // The kernel takes programs of one name for the same, and keeps the old one (bpf_lwt_prog_cmp(), since Linux 4.10).
    const name = `${program.name}[${programInfo(program.fd).id}]`;
    const { error, text } = putRoute(key, { place, fd: program.fd, name, headroom }, mode);
    if (error === 0) return;
    const attempt = {
      program,
      where: this.describe(),
      needs: ['CAP_NET_ADMIN'],
      causes: lwtCauses,
      conflicts: [Errno.EEXIST],
      said: text,
    } as const;
    throw attachFailed(attempt, error);
  }

  /** In the namespace of the interface, which may have another index by now: then the route went with the old one. */
  private onDevice<T>(action: () => T): T {
    return onInterface(this.options, ({ index }) => {
      if (index === this.key.ifindex) return action();
      throw new BpfError('ATTACH_FAILED', `${this.describe()}: the route went with its interface`, {
        errno: 'ENODEV',
        hint: 'attach anew',
      });
    });
  }
}

const goneCodes: ReadonlySet<string> = new Set(['ENOENT', 'ESRCH', 'ENODEV', 'INTERFACE_NOT_FOUND']);

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
