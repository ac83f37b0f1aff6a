import { SocketOption } from '../kernel';
import { ProgramType } from '../object';
import { socketFilterCauses } from './causes';
import { type AttachableProgram } from './program';
import { SocketAttachment } from './socket-attachment';
import { type SocketTarget } from './socket';

export interface SocketFilterOptions {
  /** The socket: its descriptor, or one of Node's that is bound, listening or connected. */
  readonly socket: SocketTarget;
}

/**
 * Attach a program to what comes in on a socket (Linux 3.19): it returns how many bytes of each packet are kept, 0 for
 * none. A socket has one such program; another one takes its place.
 *
 * @throws BpfError ATTACH_FAILED
 *
 * @example
 * ```ts
 * const filter = attachSocketFilter(program, { socket });
 * filter.close(); // the socket gets every packet again
 * ```
 */
export function attachSocketFilter(
  program: AttachableProgram,
  { socket }: SocketFilterOptions,
): SocketAttachment {
  const hook = {
    name: 'socket_filter',
    programTypes: [ProgramType.socket_filter],
    attach: SocketOption.SO_ATTACH_BPF,
    detach: SocketOption.SO_DETACH_BPF,
    causes: socketFilterCauses,
  } as const;
  return new SocketAttachment(hook, program, socket);
}
