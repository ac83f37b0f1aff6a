import { AttachType, ProgramType } from '../object';
import { type Link } from './link';
import { attachToNetns, type NetnsTarget } from './netns-link';
import { type AttachableProgram } from './program';
import { requireType } from './require-type';

/** The network namespace whose packets are dissected. */
export type FlowDissectorOptions = NetnsTarget;

/**
 * Attach a program that finds the flow of a packet, where the kernel would do so by itself, in a network namespace
 * (Linux 5.7). One can be there; the initial namespace's runs for all, and excludes those of other namespaces.
 *
 * @throws BpfError INTERFACE_NOT_FOUND when there is no such namespace, ATTACH_CONFLICT when one is there already,
 *   PRIVILEGE_MISSING, ATTACH_FAILED
 *
 * @example
 * ```ts
 * const link = attachFlowDissector(program, { netns: 'edge' });
 * ```
 */
export function attachFlowDissector(program: AttachableProgram, options: FlowDissectorOptions = {}): Link {
  requireType(program, 'flow_dissector', [ProgramType.flow_dissector]);
  return attachToNetns(program, 'flow_dissector', AttachType.flow_dissector, options);
}
