import { BpfError } from '../errors';
import {
  errnoName,
  errnoNumber,
  failure,
  linkCreate,
  linkUpdate,
  mapDelete,
  mapInfo,
  mapUpdate,
  openPin,
} from '../kernel';
import { AttachType, MapType, mapTypeName } from '../object';
import { type Attachment } from './attachment';
import { structOpsCauses, structOpsUpdateCauses } from './causes';
import { Link } from './link';

/**
 * The structs of which the kernel takes another map in the place of one that is in use: `update` of their `struct
 * bpf_struct_ops` (net/ipv4/bpf_tcp_ca.c; kernel/sched/ext.c and others refuse, or have none).
 */
const updatableStructs: readonly string[] = ['tcp_congestion_ops'];

/**
 * Whether links of a struct can be updated.
 *
 * @example
 * ```ts
 * isUpdatableStruct('tcp_congestion_ops'); // true
 * isUpdatableStruct('sched_ext_ops'); // false
 * ```
 */
export function isUpdatableStruct(name: string): boolean {
  return updatableStructs.includes(name);
}

/** A struct of the kernel's that programs implement: a map of `.struct_ops` or `.struct_ops.link`. */
export interface StructOpsMap {
  readonly fd: number;
  readonly name: string;
  /** What registers it, as `structOpsValue` makes it; left out when it was written into the map already. */
  readonly value?: Uint8Array | undefined;
}

/** `BPF_F_LINK` of include/uapi/linux/bpf.h: the map came from `.struct_ops.link`. */
const linkFlag = 1 << 13;

const key = new Uint8Array(4);

/**
 * Let the kernel use a struct_ops, such as a congestion control. One of `.struct_ops.link` (Linux 6.4) is held by a
 * link, which can be given another map of the same kind; one of `.struct_ops` (Linux 5.6) is registered until it is
 * detached, however its map fares.
 *
 * @throws BpfError ATTACH_CONFLICT when the kernel has one of this name, PRIVILEGE_MISSING, ATTACH_FAILED
 *
 * @example
 * ```ts
 * const congestion = loadFile('congestion.bpf.o');
 * const link = attachStructOps(congestion.structOps('first'));
 * link.describe(); // 'struct_ops first'
 * link.detach(); // sockets that use it keep it; new ones do not find it
 * ```
 */
export function attachStructOps(map: StructOpsMap): StructOpsLink | StructOpsRegistration {
  const { type, flags } = mapInfo(map.fd);
  if (type !== MapType.struct_ops)
    throw new BpfError('ATTACH_FAILED', `map '${map.name}' cannot be attached as struct_ops`, {
      map: map.name,
      found: `a map of type ${mapTypeName(type)}`,
      expected: 'one of SEC(".struct_ops") or SEC(".struct_ops.link")',
    });
  const where = `struct_ops ${map.name}`;
  if ((flags & linkFlag) === 0) {
    register(map, where);
    return new StructOpsRegistration(map, where);
  }
  writeOnce(map, where);
  const result = linkCreate({ prog_fd: map.fd, attach_type: AttachType.struct_ops });
  if (result < 0) throw refused(map, `${where}: attach`, result);
  return new StructOpsLink(result, where);
}

/**
 * The link of a struct_ops: it is updated to another map, not to another program.
 *
 * @example
 * ```ts
 * const congestion = loadFile('congestion.bpf.o');
 * const link = congestion.attachStructOps('first');
 * if (link instanceof StructOpsLink) link.update(congestion.structOps('second'), congestion.map('first'));
 * link.detach();
 * ```
 */
export class StructOpsLink extends Link {
  /**
   * The link pinned at a path.
   *
   * @throws BpfError PIN_NOT_FOUND, PIN_INVALID when something else is pinned there
   */
  static override open(path: string): StructOpsLink {
    return new StructOpsLink(openPin(path, 'link'));
  }

  /**
   * Switch to another map of the same struct, whose name in the kernel (the field `name` of a congestion control) is
   * the same (Linux 6.4).
   *
   * @param expected the map that must be there now: a compare-and-swap
   * @throws BpfError ATTACH_CONFLICT when another map than the expected one is there, ATTACH_FAILED
   */
  override update(map: StructOpsMap, expected?: { readonly fd: number }): void {
    writeOnce(map, `struct_ops ${map.name}`);
    const result = linkUpdate(this.fd, map.fd, expected?.fd);
    if (result < 0)
      throw this.notUpdated(`map '${map.name}'`, map.name, result, expected, structOpsUpdateCauses);
  }
}

/**
 * A struct_ops that is registered without a link.
 *
 * @example
 * ```ts
 * const registered = loadFile('congestion.bpf.o').attachStructOps('plain');
 * registered instanceof StructOpsRegistration; // true
 * registered.close(); // it goes: release() would leave it
 * ```
 */
export class StructOpsRegistration implements Attachment {
  readonly hook = 'struct_ops';
  private registered = true;

  constructor(
    private readonly map: StructOpsMap,
    private readonly where: string,
  ) {}

  describe(): string {
    return this.where;
  }

  /** @throws BpfError ATTACH_FAILED always: only those with a link can be updated */
  update(): never {
    throw new BpfError('ATTACH_FAILED', `${this.where}: a struct_ops without a link cannot be updated`, {
      map: this.map.name,
      hint: 'put it into SEC(".struct_ops.link") (Linux 6.4), or detach it and attach the other one',
    });
  }

  /** @throws BpfError PIN_FAILED always: it stays without a pin */
  pin(): never {
    throw new BpfError('PIN_FAILED', `${this.where}: a struct_ops without a link cannot be pinned`, {
      map: this.map.name,
      hint: 'it stays registered without a pin: release() it, and pin its map to unregister it later',
    });
  }

  /**
   * Unregister it. Sockets that use it keep it.
   *
   * @throws BpfError ATTACH_FAILED
   */
  detach(): void {
    if (!this.registered) return;
    unregisterStructOps(this.map);
    this.registered = false;
  }

  /** Leave it registered, beyond this process. */
  release(): void {
    this.registered = false;
  }

  /** Unregister it, unless {@link release} was called. The map must still be open. */
  close(): void {
    this.detach();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Write the value of one of `.struct_ops.link`, which the kernel checks by that: it can be attached from then on,
 * without its value.
 *
 * @returns false for one of `.struct_ops`, which writing would register
 * @throws BpfError ATTACH_FAILED
 *
 * @example
 * ```ts
 * const congestion = loadFile('congestion.bpf.o');
 * prepareStructOps(congestion.structOps('first')); // true
 * attachStructOps({ fd: congestion.map('first').fd, name: 'first' }).close();
 * prepareStructOps(congestion.structOps('plain')); // false
 * ```
 */
export function prepareStructOps(map: StructOpsMap): boolean {
  if (!hasLink(map)) return false;
  writeOnce(map, `struct_ops ${map.name}`);
  return true;
}

/**
 * Let the kernel use one of `.struct_ops` no longer, whoever registered it. Sockets that use it keep it.
 *
 * @throws BpfError ATTACH_FAILED, also where it is not registered
 *
 * @example
 * ```ts
 * const congestion = loadFile('congestion.bpf.o');
 * const registered = congestion.attachStructOps('plain');
 * if (registered instanceof StructOpsRegistration) registered.release();
 * unregisterStructOps({ fd: congestion.map('plain').fd, name: 'plain' });
 * ```
 */
export function unregisterStructOps(map: Pick<StructOpsMap, 'fd' | 'name'>): void {
  try {
    mapDelete(map.fd, key);
  } catch (error) {
    throw refused(map, `struct_ops ${map.name}: detach`, errnoOf(error));
  }
}

function hasLink({ fd }: StructOpsMap): boolean {
  return (mapInfo(fd).flags & linkFlag) !== 0;
}

/** Of `.struct_ops.link`: the value is written once; EBUSY says that it is there. */
function writeOnce(map: StructOpsMap, where: string): void {
  if (map.value === undefined) return;
  const errno = write(map, map.value);
  if (errno !== 0 && errno !== errnoNumber('EBUSY')) throw refused(map, `${where}: attach`, errno);
}

/** Of `.struct_ops`: writing the value registers it. */
function register(map: StructOpsMap, where: string): void {
  if (map.value === undefined)
    throw new BpfError('ATTACH_FAILED', `${where}: attach: its value is not given`, {
      map: map.name,
      hint: 'give what structOpsValue() returns as the value',
    });
  const errno = write(map, map.value);
  if (errno !== 0) throw refused(map, `${where}: attach`, errno);
}

/** 0, or the error number. */
function write(map: StructOpsMap, value: Uint8Array): number {
  try {
    mapUpdate(map.fd, key, value);
    return 0;
  } catch (error) {
    return errnoOf(error);
  }
}

function errnoOf(error: unknown): number {
  if (error instanceof BpfError && error.fields.errno !== undefined) return errnoNumber(error.fields.errno);
  throw error;
}

const conflicts: readonly string[] = ['EEXIST', 'EBUSY'];

function refused(map: Pick<StructOpsMap, 'name'>, what: string, errno: number): BpfError {
  const name = errnoName(Math.abs(errno));
  return failure(what, errno, {
    code: conflicts.includes(name) ? 'ATTACH_CONFLICT' : 'ATTACH_FAILED',
    needs: ['CAP_BPF'],
    map: map.name,
    hint: structOpsCauses[name],
  });
}
