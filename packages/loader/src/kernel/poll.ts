import { native } from './native';

/** Waits for an fd on Node's event loop. */
export interface ReadableWatch {
  /** Whether the wait keeps the process alive; it does at first. */
  keepAlive(on: boolean): void;
  close(): void;
}

/**
 * Call back as long as an fd is readable (level-triggered), from Node's event loop: epoll(7) through libuv, no thread
 * and no timer of its own.
 *
 * @example
 * ```ts
 * const watch = watchReadable(ringBufferFd, () => drain());
 * watch.close();
 * ```
 */
export function watchReadable(fd: number, callback: () => void): ReadableWatch {
  const handle = native().koffi.node.poll(fd, { readable: true }, callback);
  return {
    keepAlive: (on) => (on ? handle.ref() : handle.unref()),
    close: () => handle.close(),
  };
}
