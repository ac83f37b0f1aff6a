import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Readable } from 'node:stream';
import { requireCommand } from './command';
import { type Entry } from './cpio';
import { writeInitramfs, type BootKernel } from './initramfs';

/** What each architecture's QEMU is called, and what it is told besides. */
export const machines = {
  amd64: { qemu: 'qemu-system-x86_64', options: ['-machine', 'q35'], console: 'ttyS0' },
  arm64: { qemu: 'qemu-system-aarch64', options: ['-machine', 'virt'], console: 'ttyAMA0' },
} as const;

/** An architecture, as Debian names it. */
export type Architecture = keyof typeof machines;

/** A kernel to boot, and what to do there. */
export interface Guest {
  readonly kernel: BootKernel;
  /** Beside the kernel's own, by path without a leading slash. */
  readonly files: ReadonlyMap<string, Entry>;
  readonly command: readonly string[];
  /** Further ones that are inserted. */
  readonly modules?: readonly string[] | undefined;
  readonly architecture: Architecture;
  readonly acceleration: 'tcg' | 'kvm';
  /** Seconds after which the guest is ended. */
  readonly timeout: number;
  /** Given what the command prints, as it comes. */
  readonly output: (chunk: string) => void;
  /** The same for its errors. */
  readonly errors: (chunk: string) => void;
  /** Ends the guest. */
  readonly signal?: AbortSignal | undefined;
}

/** What became of a guest. */
export interface Outcome {
  /** With which the command ended; undefined if the guest ended without it. */
  readonly status?: number;
  /** Why it did. */
  readonly failure?: string;
  /** What the kernel said. */
  readonly console: string;
  /** From start to power-off. */
  readonly seconds: number;
}

/**
 * Boots a kernel, runs a command in it as root, and turns it off. Nothing of it is left but what it said.
 *
 * @throws BpfError TOOLCHAIN_NOT_FOUND without QEMU; FILE for what cannot be read
 */
export async function runGuest(guest: Guest): Promise<Outcome> {
  const start = performance.now();
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-vm-'));
  try {
    const ended = await boot(guest, directory);
    return { ...ended, seconds: (performance.now() - start) / 1000 };
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

async function boot(guest: Guest, directory: string): Promise<Omit<Outcome, 'seconds'>> {
  const { kernel, files, command, modules = [], architecture, acceleration, timeout, signal } = guest;
  const machine = machines[architecture];
  const qemu = requireCommand(machine.qemu);
  const initramfs = path.join(directory, 'initramfs');
  const log = path.join(directory, 'console');
  fs.writeFileSync(log, '');
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
    { stdio: ['ignore', 'ignore', 'pipe', ...ports.map(() => 'pipe' as const)] },
  );
  const said = { qemu: '', status: '' };
  collect(child.stderr as Readable, (chunk) => (said.qemu += chunk));
  const [output, errors, status] = child.stdio.slice(firstSocket) as Readable[];
  collect(output!, guest.output);
  collect(errors!, guest.errors);
  collect(status!, (chunk) => (said.status += chunk));

  let late = false;
  const limit = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, timeout * 1000);
  const stop = (): boolean => child.kill('SIGKILL');
  signal?.addEventListener('abort', stop);
  if (signal?.aborted === true) stop();
  await once(child, 'close');
  signal?.removeEventListener('abort', stop);
  clearTimeout(limit);
  const console = fs.readFileSync(log, 'utf8');
  if (/^\d+\n$/.test(said.status)) return { status: Number(said.status), console };
  return { failure: late ? `the guest was ended after ${timeout} s` : ended(console, said.qemu), console };
}

/** Why a guest ended by itself before its command did. */
function ended(console: string, qemu: string): string {
  const panic = /Kernel panic - not syncing: ([^\r\n]*)/.exec(console)?.[1];
  if (panic !== undefined) return `the kernel panicked: ${panic}`;
  return `the guest ended before the command did${qemu === '' ? '' : `: ${qemu.trim()}`}`;
}

/** The ports of the guest's serial device, each a socket that QEMU inherits; see init.ts. */
const ports = ['output', 'errors', 'status'];
const firstSocket = 3;

function collect(stream: Readable, use: (chunk: string) => void): void {
  stream.setEncoding('utf8').on('data', use);
  // A guest that is ended closes its sockets in the middle of what it said.
  stream.on('error', () => undefined);
}
