import { BpfError, type ErrorCode, type ErrorFields } from '../errors';
import { missingCapabilities, privileges, type Capability } from './capabilities';
import { Errno, errnoName, errnoText } from './errno';

/** What a failed system call is turned into. */
export interface FailureContext extends ErrorFields {
  /** Code of the error, where it is not for want of a capability. */
  code?: ErrorCode;
  /** Capabilities that the kernel asks for here. */
  needs?: readonly Capability[];
}

/**
 * The error for a failed system call: PRIVILEGE_MISSING with the names of the capabilities that are missing, when the
 * kernel said EPERM or EACCES and any is; else the context's code, with the errno's name and text.
 *
 * RLIMIT_MEMLOCK is never blamed: kernels since 5.11 charge BPF memory to cgroups.
 *
 * @param what subject and action: `map 'hits': BPF_MAP_CREATE`
 * @param errno error number, of either sign
 *
 * @example
 * ```ts
 * failure("map 'hits': BPF_MAP_CREATE", -22, { code: 'MAP_CREATE_FAILED', map: 'hits' }).message;
 * // "map 'hits': BPF_MAP_CREATE: EINVAL (Invalid argument)"
 * ```
 */
export function failure(what: string, errno: number, context: FailureContext = {}): BpfError {
  const { code = 'SYSCALL_FAILED', needs, ...fields } = context;
  const number = Math.abs(errno);
  const name = errnoName(number);
  const text = `${what}: ${name} (${errnoText(number)})`;
  if (number === Errno.EPERM || number === Errno.EACCES) {
    const refusal = refused(needs ?? []);
    if (refusal !== undefined) {
      return new BpfError('PRIVILEGE_MISSING', text, { ...fields, errno: name, hint: refusal });
    }
  }
  return new BpfError(code, text, { ...fields, errno: name });
}

/** Why a process with these rights is refused, and what would help; undefined when the rights are all there. */
function refused(needs: readonly Capability[]): string | undefined {
  if (needs.length === 0) return undefined;
  const have = privileges();
  const missing = missingCapabilities(needs, have);
  if (missing.length > 0) {
    return `this process lacks ${missing.join(' and ')}: run it as root, or give it ${missing.length > 1 ? 'these capabilities' : 'this capability'}`;
  }
  if (have.userNamespace) {
    return `${needs.join(' and ')} must be held in the initial user namespace, and this process is in another one: run it outside the container, or let /sys/fs/bpf in it delegate a BPF token (Linux 6.9)`;
  }
  return undefined;
}

/** The result of a system call, or the error that it means. */
export function succeeded(result: number, what: string, context?: FailureContext): number {
  if (result < 0) throw failure(what, result, context);
  return result;
}
