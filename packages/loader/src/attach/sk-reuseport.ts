import { SocketOption } from '../kernel';
import { ProgramType } from '../object';
import { skReuseportCauses } from './causes';
import { type AttachableProgram } from './program';
import { SocketAttachment } from './socket-attachment';
import { type SocketTarget } from './socket';

export interface SkReuseportOptions {
  /** One of the sockets that share the port (SO_REUSEPORT): its descriptor, or one of Node's that is bound. */
  readonly socket: SocketTarget;
}

/**
 * Attach a program that chooses, for each datagram or connection, one of the sockets that share a port (Linux 4.19). The
 * group has one such program; another one takes its place. Programs of type socket_filter, which return the number of
 * the socket, are taken too (Linux 4.5).
 *
 * @throws BpfError ATTACH_FAILED
 *
 * @example
 * ```ts
 * const steering = attachSkReuseport(program, { socket });
 * steering.close(); // the kernel chooses by itself again
 * ```
 */
export function attachSkReuseport(
  program: AttachableProgram,
  { socket }: SkReuseportOptions,
): SocketAttachment {
  const hook = {
    name: 'sk_reuseport',
    programTypes: [ProgramType.sk_reuseport, ProgramType.socket_filter],
    attach: SocketOption.SO_ATTACH_REUSEPORT_EBPF,
    detach: SocketOption.SO_DETACH_REUSEPORT_BPF,
    causes: skReuseportCauses,
  } as const;
  return new SocketAttachment(hook, program, socket);
}
