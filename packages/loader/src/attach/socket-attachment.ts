import { BpfError } from '../errors';
import { Errno, errnoName, failure, setSocketOption } from '../kernel';
import { type Attachment } from './attachment';
import { type Causes } from './causes';
import { attachFailed } from './failure';
import { type AttachableProgram } from './program';
import { requireType } from './require-type';
import { socketFd, socketIdentity, type SocketTarget } from './socket';

/** How a hook on sockets is told of its programs. */
export interface SocketHook {
  readonly name: string;
  readonly programTypes: readonly number[];
  readonly attach: readonly [level: number, name: number];
  readonly detach: readonly [level: number, name: number];
  readonly causes: Causes;
}

/**
 * A program on a socket, or on the group of sockets that share its port. It is there until it is detached or replaced,
 * or the sockets are closed; the kernel does not tell of it again.
 *
 * @example
 * ```ts
 * const filter: SocketAttachment = attachSocketFilter(program, { socket });
 * filter.update(newProgram);
 * filter.detach();
 * ```
 */
export class SocketAttachment implements Attachment {
  readonly hook: string;
  private readonly fd: number;
  private readonly identity: string | undefined;
  private attached = false;

  constructor(
    private readonly kind: SocketHook,
    program: AttachableProgram,
    socket: SocketTarget,
  ) {
    this.hook = kind.name;
    this.fd = socketFd(socket);
    this.identity = socketIdentity(this.fd);
    this.set(program);
    this.attached = true;
  }

  describe(): string {
    return `${this.hook} on ${this.identity ?? `fd ${this.fd}`}`;
  }

  /**
   * Put another program in its place; nothing passes between the two.
   *
   * @throws BpfError ATTACH_FAILED; also when a program is expected: the kernel does not say which one is there
   */
  update(program: AttachableProgram, expected?: { readonly fd: number }): void {
    if (expected !== undefined)
      throw this.error('update', 'the kernel does not tell which program a socket runs', {
        hint: 'update without an expected program',
      });
    this.requireSocket('update');
    this.set(program);
    this.attached = true;
  }

  /** @throws BpfError PIN_FAILED always: the socket holds the program, no pin can */
  pin(path: string): never {
    throw new BpfError('PIN_FAILED', `${this.describe()}: there is no link that could be pinned`, {
      path,
      hint: 'the program stays as long as the socket is open: pass the socket on, and pin the program itself',
    });
  }

  /**
   * Take the program off now.
   *
   * @throws BpfError ATTACH_FAILED when the socket is closed, or somebody else took it off
   */
  detach(): void {
    if (!this.attached) return;
    this.requireSocket('detach');
    const result = this.takeOff();
    if (result < 0) throw this.notTakenOff(result);
  }

  /** Take the program off, unless it is gone already, with its socket perhaps. Closing twice is harmless. */
  close(): void {
    if (!this.attached) return;
    const result = socketIdentity(this.fd) === this.identity ? this.takeOff() : 0;
    if (result < 0 && result !== -Errno.ENOENT) throw this.notTakenOff(result);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private set(program: AttachableProgram): void {
    const { name, programTypes, attach, causes } = this.kind;
    requireType(program, name, programTypes);
    const result = setSocketOption(this.fd, attach, program.fd);
    if (result < 0) throw attachFailed({ program, where: this.describe(), needs: [], causes }, result);
  }

  private takeOff(): number {
    this.attached = false;
    return setSocketOption(this.fd, this.kind.detach, 0);
  }

  private notTakenOff(errno: number): BpfError {
    return failure(`${this.describe()}: detach`, errno, {
      code: 'ATTACH_FAILED',
      hint: errno === -Errno.ENOENT ? 'somebody else took it off' : this.kind.causes[errnoName(-errno)],
    });
  }

  /** The number may be another file's by now. */
  private requireSocket(action: string): void {
    if (socketIdentity(this.fd) === this.identity) return;
    throw this.error(action, 'the socket is closed', { hint: 'the program left with it: attach anew' });
  }

  private error(action: string, found: string, fields: { readonly hint: string }): BpfError {
    return new BpfError('ATTACH_FAILED', `${this.describe()}: ${action}: ${found}`, fields);
  }
}
