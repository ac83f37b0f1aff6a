import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { machineApt } from './apt.mjs';
import { cachePath } from './cache.mjs';
import { debianKernel } from './kernel.mjs';
import { acceleration, machineFiles, runGuest } from './machine.mjs';

/**
 * What became of a guest, and of which kernel it was.
 *
 * @typedef {import('../../packages/deploy/src/machine').Outcome & { kernel: import('./kernel.mjs').Kernel, log?: string }} GuestOutcome
 */

/** Kernels of this machine's architecture by their names, `6.1`. */
export function machineKernels(names) {
  const apt = machineApt();
  return names.map((name) => debianKernel(name, apt));
}

/**
 * Runs one command on several kernels, side by side. What the kernel said is kept when
 * the command did not end with 0.
 *
 * @param {readonly import('./kernel.mjs').Kernel[]} kernels see {@link machineKernels}
 * @param {object} options
 * @param {readonly string[]} options.command
 * @param {Map<string, import('../../packages/deploy/src/machine').Entry>} [options.files] further ones in each guest
 * @param {readonly string[]} [options.modules] further ones that are inserted
 * @param {number} [options.timeout] seconds
 * @param {(name: string, chunk: string) => void} options.output
 * @param {(name: string, chunk: string) => void} options.errors
 * @returns {Promise<GuestOutcome[]>} in the order of the kernels
 */
export async function runOnKernels(kernels, options) {
  const { command, files = new Map(), modules = [], timeout = 120, output, errors } = options;
  const everywhere = new Map([...machineFiles(), ...files]);
  const { architecture } = machineApt();
  const accelerator = acceleration(kernels[0].image, architecture, path.dirname(cachePath('kvm', 'boot')));
  return Promise.all(
    kernels.map(async (kernel) => {
      const outcome = await runGuest({
        kernel,
        files: everywhere,
        command,
        modules,
        architecture,
        acceleration: accelerator,
        timeout,
        output: (chunk) => output(kernel.name, chunk),
        errors: (chunk) => errors(kernel.name, chunk),
      });
      return { ...outcome, kernel, ...(outcome.status !== 0 && { log: keep(kernel, outcome.console) }) };
    }),
  );
}

/** @returns the file that holds what a kernel said */
function keep(kernel, text) {
  const file = cachePath('consoles', `${kernel.name}.log`);
  writeFileSync(file, text);
  return file;
}
