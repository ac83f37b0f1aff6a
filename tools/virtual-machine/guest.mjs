import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';
import { SetupError, which } from '../setup/command.mjs';
import { writeInitramfs } from './initramfs.mjs';

/** What each architecture's QEMU is called, and what it is told besides. */
export const machines = {
  amd64: { qemu: 'qemu-system-x86_64', options: ['-machine', 'q35'], console: 'ttyS0' },
  arm64: { qemu: 'qemu-system-aarch64', options: ['-machine', 'virt'], console: 'ttyAMA0' },
};

/**
 * What became of a guest.
 *
 * @typedef {object} Outcome
 * @property {number} [status] with which the command ended; missing if the guest ended without it
 * @property {string} [failure] why it did
 * @property {string} console what the kernel said
 * @property {number} seconds from start to power-off
 */

/**
 * Boots a kernel, runs a command in it as root, and turns it off.
 *
 * @param {object} guest
 * @param {import('./kernel.mjs').Kernel} guest.kernel
 * @param {Map<string, import('./cpio.mjs').Entry>} guest.files beside the kernel's own
 * @param {readonly string[]} guest.command
 * @param {keyof typeof machines} guest.architecture
 * @param {'tcg' | 'kvm'} guest.acceleration
 * @param {number} guest.timeout seconds after which the guest is ended
 * @param {(chunk: string) => void} guest.output given what the command prints, as it comes
 * @param {(chunk: string) => void} guest.errors the same for its errors
 * @returns {Promise<Outcome>}
 */
export async function runGuest(guest) {
  const start = performance.now();
  const directory = mkdtempSync(path.join(tmpdir(), 'nx-bpf-vm-'));
  try {
    const ended = await boot(guest, directory);
    return { ...ended, seconds: (performance.now() - start) / 1000 };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function boot(guest, directory) {
  const { kernel, files, command, modules = [], architecture, acceleration, timeout } = guest;
  const machine = machines[architecture];
  const qemu = which(machine.qemu);
  if (qemu === undefined) throw new SetupError(`${machine.qemu} is not installed`);
  const initramfs = path.join(directory, 'initramfs');
  const log = path.join(directory, 'console');
  writeFileSync(log, '');
  writeInitramfs(initramfs, kernel, files, command, modules);

  const child = spawn(
    qemu,
    [
      ...machine.options,
      ...['-accel', acceleration, '-cpu', 'max', '-smp', '1', '-m', '1024'],
      ...['-nodefaults', '-no-user-config', '-nographic', '-no-reboot'],
      ...['-kernel', kernel.image, '-initrd', initramfs],
      // A panic turns the guest off at once.
      ...['-append', `console=${machine.console} quiet panic=-1 mitigations=off`],
      ...['-serial', `file:${log}`],
      ...['-device', 'virtio-serial-pci'],
      ...ports.flatMap((name, index) => [
        ...['-chardev', `socket,id=${name},fd=${firstSocket + index}`],
        ...['-device', `virtserialport,chardev=${name},nr=${index + 1}`],
      ]),
    ],
    { stdio: ['ignore', 'ignore', 'pipe', ...ports.map(() => 'pipe')] },
  );
  const said = { qemu: '', status: '' };
  collect(child.stderr, (chunk) => (said.qemu += chunk));
  const [output, errors, status] = child.stdio.slice(firstSocket);
  collect(output, guest.output);
  collect(errors, guest.errors);
  collect(status, (chunk) => (said.status += chunk));

  let late = false;
  const limit = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, timeout * 1000);
  await once(child, 'close');
  clearTimeout(limit);
  const console = readFileSync(log, 'utf8');
  if (/^\d+\n$/.test(said.status)) return { status: Number(said.status), console };
  const failure = late
    ? `the guest was ended after ${timeout} s`
    : `the guest ended before the command did${said.qemu === '' ? '' : `: ${said.qemu.trim()}`}`;
  return { failure, console };
}

/** The ports of the guest's serial device, each a socket that QEMU inherits; see init.sh. */
const ports = ['output', 'errors', 'status'];
const firstSocket = 3;

function collect(stream, use) {
  stream.setEncoding('utf8').on('data', use);
  // A guest that is ended closes its sockets in the middle of what it said.
  stream.on('error', () => undefined);
}
