import { AttachType, ProgramType } from '../object';
import { type Link } from './link';
import { attachToNetns, type NetnsTarget } from './netns-link';
import { type AttachableProgram } from './program';
import { requireType } from './require-type';

/** The network namespace whose sockets are looked up. */
export type SkLookupOptions = NetnsTarget;

/**
 * Attach a program that chooses the socket of a new connection, or of a datagram, in a network namespace (Linux 5.9).
 * Several can be there: each runs, in the order of attaching.
 *
 * @throws BpfError INTERFACE_NOT_FOUND when there is no such namespace, ATTACH_CONFLICT when it is full,
 *   PRIVILEGE_MISSING, ATTACH_FAILED
 *
 * @example
 * ```ts
 * const link = attachSkLookup(program, { netns: 'edge' });
 * ```
 */
export function attachSkLookup(program: AttachableProgram, options: SkLookupOptions = {}): Link {
  requireType(program, 'sk_lookup', [ProgramType.sk_lookup]);
  return attachToNetns(program, 'sk_lookup', AttachType.sk_lookup, options);
}
