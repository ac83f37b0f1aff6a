import { Errno } from './errno';
import { lastErrno } from './native';

/**
 * A system call that a signal may interrupt (EINTR, signal(7)) before it did anything: made again until it is through.
 * Handlers of Node are installed with SA_RESTART, but a debugger's or a stopped process's wakeup is not theirs.
 *
 * @param call what C returns: negative on failure, with the cause in `lastErrno`
 */
export function uninterrupted(call: () => number): number {
  for (;;) {
    const result = call();
    if (result >= 0 || lastErrno() !== Errno.EINTR) return result;
  }
}
