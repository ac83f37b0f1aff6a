import { BpfError } from '../errors';
import { errnoName, failure, networkInterfaces, programInfo, type RouteAnswer } from '../kernel';
import { type Attachment } from './attachment';
import { type Causes } from './causes';
import { withWords } from './failure';
import { onInterface, type InterfaceTarget } from './interfaces';
import { inNetns } from './netns';
import { type AttachableProgram } from './program';

/** What is known of what rtnetlink(7) made on an interface. */
export interface NetlinkPlace {
  readonly target: InterfaceTarget;
  /** The interface's index when it was made. */
  readonly ifindex: number;
  readonly causes: Causes;
  /** Error numbers of a removal which say that it is gone already. */
  readonly goneErrors: readonly string[];
}

/**
 * A program that no link holds, but something that rtnetlink(7) made on an interface: a filter, a route. It stays when
 * this process ends, unless it is closed or detached before.
 */
export abstract class NetlinkAttachment implements Attachment {
  abstract readonly hook: string;
  private held = true;

  protected constructor(private readonly where: NetlinkPlace) {}

  abstract describe(): string;

  abstract update(program: AttachableProgram, expected?: { readonly fd: number }): void;

  abstract pin(path: string): never;

  /** Ask the kernel to remove it. */
  protected abstract remove(): RouteAnswer;

  /** The error where the interface has another index by now, and so is another one. */
  protected abstract gone(action: string): BpfError;

  /**
   * Take it away.
   *
   * @throws BpfError ATTACH_FAILED when it is gone already, INTERFACE_NOT_FOUND, PRIVILEGE_MISSING
   */
  detach(): void {
    this.held = false;
    const { error, text } = this.onDevice('detach', () => this.remove());
    if (error === 0) return;
    throw failure(`${this.describe()}: detach`, error, {
      code: 'ATTACH_FAILED',
      needs: ['CAP_NET_ADMIN'],
      hint: withWords(this.where.causes[errnoName(-error)], text),
    });
  }

  /** Leave it where it is, beyond this process: {@link close} does nothing any more. */
  release(): void {
    this.held = false;
  }

  /** Take it away, unless it was released, or is gone already, with its interface perhaps. */
  close(): void {
    if (!this.held) return;
    try {
      this.detach();
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      const { errno = '' } = error.fields;
      const isGone = error.code === 'INTERFACE_NOT_FOUND' || this.where.goneErrors.includes(errno);
      if (!isGone) throw error;
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** In the namespace of the interface, whatever it is called by now. */
  protected onDevice<T>(action: string, use: () => T): T {
    const { target, ifindex } = this.where;
    return inNetns(target.netns, () => {
      if (networkInterfaces().some(({ index }) => index === ifindex)) return use();
      // It is not there, and the error names those that are.
      return onInterface({ interface: target.interface }, () => {
        throw this.gone(action);
      });
    });
  }

  /**
   * The kernel compares nothing when it replaces the program: this looks right before.
   *
   * @param found id of the program that is there
   * @throws BpfError ATTACH_CONFLICT when it is another than the expected one
   */
  protected expect(expected: { readonly fd: number } | undefined, found: () => number | undefined): void {
    if (expected === undefined) return;
    const [wanted, there] = [programInfo(expected.fd).id, found()];
    if (there === wanted) return;
    throw new BpfError('ATTACH_CONFLICT', `${this.describe()}: update`, {
      found: there === undefined ? 'no program of ours' : `program ${there}`,
      expected: `program ${wanted}`,
      hint: 'somebody else changed it: look again',
    });
  }
}
