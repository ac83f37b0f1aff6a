import { fstatSync } from 'node:fs';
import { BpfError } from '../errors';
import { native, type Native } from './native';

type PollHandle = ReturnType<Native['koffi']['node']['poll']>;

/**
 * Watches an fd from Node's event loop: epoll(7) through libuv, no thread and no timer of its own. It begins stopped.
 *
 * @example
 * ```ts
 * const watch = new FdWatch(ringBufferFd, 'readable', () => drain());
 * watch.start();
 * watch.close();
 * ```
 */
export class FdWatch {
  private handle: PollHandle | undefined;
  private alive = true;

  /** @param callback called as long as the fd is ready (level-triggered), once in each turn of the event loop */
  constructor(
    private readonly fd: number,
    private readonly until: 'readable' | 'writable',
    private readonly callback: () => void,
  ) {}

  /**
   * The process stays alive meanwhile, unless {@link keepAlive} says otherwise.
   *
   * @throws BpfError SYSCALL_FAILED for an fd that epoll(7) does not take, such as a regular file's
   */
  start(): void {
    const what = { [this.until]: true };
    if (this.handle === undefined) {
      checkPollable(this.fd);
      this.handle = native().koffi.node.poll(this.fd, what, this.callback);
      if (!this.alive) this.handle.unref();
    } else {
      this.handle.start(what, this.callback);
    }
  }

  stop(): void {
    this.handle?.stop();
  }

  /** Whether a started watch keeps the process alive; it does by default. */
  keepAlive(alive: boolean): void {
    this.alive = alive;
    if (alive) this.handle?.ref();
    else this.handle?.unref();
  }

  close(): void {
    this.handle?.close();
    this.handle = undefined;
  }
}

/** What epoll(7) refuses ends the process inside of koffi (3.3), with nothing to catch: it is looked at before. */
function checkPollable(fd: number): void {
  let found: string;
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile() && !stats.isDirectory()) return;
    found = stats.isFile() ? 'a regular file' : 'a directory';
  } catch (error) {
    throw new BpfError('SYSCALL_FAILED', `fd ${fd} cannot be watched: ${(error as Error).message}`, {
      errno: (error as NodeJS.ErrnoException).code,
    });
  }
  throw new BpfError('SYSCALL_FAILED', `fd ${fd} cannot be watched`, {
    found,
    expected: 'a map of events, a socket, a pipe or the like',
  });
}
