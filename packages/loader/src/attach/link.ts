import { type BpfError } from '../errors';
import {
  errnoName,
  failure,
  Fd,
  fdById,
  linkDetach,
  linkInfo,
  linkUpdate,
  lookAtNew,
  openPin,
  pinObject,
  type LinkInfo,
} from '../kernel';
import { preparePin } from '../load';
import { type Attachment } from './attachment';
import { updateCauses, type Causes } from './causes';
import { linkDescription } from './describe';
import { hookOfLink } from './hook-of-link';
import { type AttachableProgram } from './program';

/**
 * A program on a hook. The kernel keeps it there as long as an fd or a pin of the link exists: a closed link that is
 * not pinned detaches its program.
 *
 * @example
 * ```ts
 * const link = attachXdp(program, { interface: 'eth0' });
 * link.update(newProgram, program); // no packet passes between the two
 * link.pin('/sys/fs/bpf/guard-link');
 * link.close(); // it stays: the pin holds it
 * ```
 *
 * `using link = attachXdp(...)` closes it at the end of the block.
 */
export class Link implements Attachment {
  /** The kernel's number of it. */
  readonly id: number;
  /** Name of its hook: `xdp`, `tcx`, `cgroup`, `tp_btf`, ... */
  readonly hook: string;
  private readonly owned: Fd;

  /**
   * @param fd is owned by the new object, and closed if it is no link
   * @param where what the caller knows of the place; by default what the kernel tells
   */
  constructor(
    fd: number,
    private readonly where?: string,
  ) {
    const info = lookAtNew(fd, linkInfo);
    this.owned = new Fd(fd, 'link');
    this.id = info.id;
    this.hook = hookOfLink(info);
  }

  /**
   * The link pinned at a path.
   *
   * @throws BpfError PIN_NOT_FOUND, PIN_INVALID when something else is pinned there
   */
  static open(path: string): Link {
    return new Link(openPin(path, 'link'));
  }

  /**
   * The link with a number.
   *
   * @returns undefined if there is none (any more)
   * @throws BpfError PRIVILEGE_MISSING without CAP_SYS_ADMIN
   */
  static byId(id: number): Link | undefined {
    const fd = fdById('link', id);
    return fd === undefined ? undefined : new Link(fd);
  }

  /** @throws BpfError INTERNAL after close() */
  get fd(): number {
    return this.owned.number;
  }

  /** What the kernel says about it now; see `LinkInfo`. */
  info(): LinkInfo {
    return linkInfo(this.fd);
  }

  /** Hook and place, for people: `xdp on eth0 (native)`. */
  describe(): string {
    return this.where ?? linkDescription(this.info());
  }

  /**
   * Switch to another program; nothing passes the hook between the two. xdp, tcx, netkit, cgroup, netns, sockmap and iter
   * links can do that (`hooks` says which), others must be replaced.
   *
   * @param expected the program that must be there now: a compare-and-swap, which fails when somebody else was faster
   * @throws BpfError ATTACH_CONFLICT when another program than the expected one is there, PRIVILEGE_MISSING,
   *   ATTACH_FAILED
   */
  update(
    program: Pick<AttachableProgram, 'fd' | 'name'>,
    expected?: { readonly fd: number } | undefined,
  ): void {
    const result = linkUpdate(this.fd, program.fd, expected?.fd);
    if (result < 0) throw this.notUpdated(`program '${program.name}'`, program.name, result, expected);
  }

  /** The error of a refused update. @param to what it was to be switched to */
  protected notUpdated(
    to: string,
    name: string,
    errno: number,
    expected: object | undefined,
    causes: Causes = updateCauses,
  ): BpfError {
    const cause = errnoName(-errno);
    return failure(`link ${this.id} (${this.describe()}): update to ${to}`, errno, {
      code: expected !== undefined && cause === 'EPERM' ? 'ATTACH_CONFLICT' : 'ATTACH_FAILED',
      program: name,
      hint: causes[cause],
    });
  }

  /**
   * Let the link live on beyond this process. The pin's directory is made if need be.
   *
   * @param path on a bpf file system; its last part without a dot
   * @throws BpfError PIN_EXISTS, PIN_INVALID, NO_BPFFS, PIN_FAILED
   */
  pin(path: string): void {
    preparePin(path);
    pinObject(this.fd, `link ${this.id} (${this.describe()})`, path);
  }

  /**
   * Take the program off the hook now, pins or not (Linux 5.9; not for tracing links, which detach when their last fd
   * and pin are gone).
   *
   * @throws BpfError ATTACH_FAILED
   */
  detach(): void {
    const result = linkDetach(this.fd);
    if (result < 0) {
      throw failure(`link ${this.id} (${this.describe()}): detach`, result, {
        code: 'ATTACH_FAILED',
        hint: 'links of this kind detach when they are closed and their pins are removed',
      });
    }
  }

  /** Give up the fd. Without a pin the program leaves its hook. Closing twice is harmless. */
  close(): void {
    this.owned.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
