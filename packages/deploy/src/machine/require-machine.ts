import { requireCommands } from './command';
import { machines, type Architecture } from './guest';

/**
 * Refuses to go on where what boots guests is not installed.
 *
 * @throws BpfError TOOLCHAIN_NOT_FOUND with all that is missing and what installs it
 */
export function requireMachine(architecture: Architecture): void {
  requireCommands([machines[architecture].qemu, 'busybox', 'ldd']);
}
