import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { requireCommand } from './command';
import { archive, type Entry } from './cpio';
import { staticCommand } from './executable';
import { machines, type Architecture } from './guest';

const timeout = 5000;

/**
 * How guests of this machine's own architecture run: on its processor, or on one that QEMU imitates. That /dev/kvm
 * opens proves nothing (inside another virtual machine its guests may die), so a guest has to boot and to end within
 * five seconds first. The answer is kept until the next boot of this machine.
 *
 * @param image of a kernel that is booted to try it
 * @param kept directory where the answer is kept
 */
export function acceleration(image: string, architecture: Architecture, kept: string): 'kvm' | 'tcg' {
  if (!opens('/dev/kvm')) return 'tcg';
  const known = path.join(kept, fs.readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  try {
    return fs.readFileSync(known, 'utf8').trim() === 'kvm' ? 'kvm' : 'tcg';
  } catch {
    const found = guestEnds(image, architecture) ? 'kvm' : 'tcg';
    fs.mkdirSync(kept, { recursive: true });
    fs.writeFileSync(known, `${found}\n`);
    return found;
  }
}

function opens(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.R_OK | fs.constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether a guest that only turns itself off does so. */
function guestEnds(image: string, architecture: Architecture): boolean {
  const { qemu, options, console } = machines[architecture];
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-kvm-'));
  const initramfs = path.join(directory, 'initramfs');
  const proof = path.join(directory, 'console');
  try {
    const entries = new Map<string, Entry>([
      ['dev/.empty', { bytes: new Uint8Array() }],
      ['bin/busybox', staticCommand('busybox')],
      ['bin/sh', { link: 'busybox' }],
      ['init', { bytes: Buffer.from(probeInit), executable: true }],
    ]);
    fs.writeFileSync(initramfs, Buffer.concat(archive(entries)));
    const args = [
      ...options,
      ...['-accel', 'kvm', '-cpu', 'max', '-m', '256', '-nodefaults', '-no-user-config', '-nographic'],
      ...['-no-reboot', '-kernel', image, '-initrd', initramfs],
      ...['-append', `console=${console} quiet panic=-1`, '-serial', `file:${proof}`],
    ];
    const ended = spawnSync(requireCommand(qemu), args, { stdio: 'ignore', timeout, killSignal: 'SIGKILL' });
    // A guest that dies also ends, with -no-reboot: only its own word counts.
    return ended.status === 0 && fs.readFileSync(proof, 'utf8').includes(word);
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

const word = 'nx-bpf guest is alive';
const probeInit = `#!/bin/sh\nbusybox echo '${word}'\nbusybox poweroff -f\n`;
