import { native } from './native';

/**
 * Call back as long as an fd is readable (level-triggered), from Node's event loop: epoll(7) through libuv, no thread
 * and no timer of its own. The process stays alive meanwhile.
 *
 * @returns what ends it
 *
 * @example
 * ```ts
 * const stop = watchReadable(ringBufferFd, () => drain());
 * stop();
 * ```
 */
export function watchReadable(fd: number, callback: () => void): () => void {
  const handle = native().koffi.node.poll(fd, { readable: true }, callback);
  return () => handle.close();
}
