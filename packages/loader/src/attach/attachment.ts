import { type AttachableProgram } from './program';

/**
 * A program on a hook, whatever holds it there: a BPF link (`Link`), or, on hooks that the kernel has no links for, a
 * filter, a route or a socket. What such a one cannot do is refused with an error that says so.
 */
export interface Attachment extends Disposable {
  /** Name of its hook: `xdp`, `tc`, `lwt`, ... */
  readonly hook: string;
  /** Hook and place, for people. */
  describe(): string;
  /**
   * Switch to another program; nothing passes the hook between the two.
   *
   * @param expected the program that must be there now
   * @throws BpfError ATTACH_CONFLICT when another one is there, ATTACH_FAILED
   */
  update(program: AttachableProgram, expected?: { readonly fd: number }): void;
  /**
   * Let it live on beyond this process.
   *
   * @throws BpfError PIN_FAILED for one that is no link, with what to do in its place
   */
  pin(path: string): void;
  /**
   * Take the program off the hook now.
   *
   * @throws BpfError ATTACH_FAILED
   */
  detach(): void;
  /** Give it up. What nothing else holds leaves its hook. Closing twice is harmless. */
  close(): void;
}
