import { Buffer } from 'node:buffer';
import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { which } from '../setup/command.mjs';
import { cachePath } from './cache.mjs';
import { archive } from './cpio.mjs';
import { staticCommand } from './executable.mjs';
import { machines } from './guest.mjs';

const timeout = 5000;

/**
 * How guests of this machine's own architecture run: on its processor, or on one that QEMU imitates. That /dev/kvm
 * opens proves nothing (inside another virtual machine its guests may die), so a guest has to boot and to end within
 * five seconds first. The answer is kept until the next boot of this machine.
 *
 * @returns {'kvm' | 'tcg'}
 */
export function acceleration(kernel, architecture) {
  if (!opens('/dev/kvm')) return 'tcg';
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const known = cachePath('kvm', boot);
  try {
    return readFileSync(known, 'utf8').trim() === 'kvm' ? 'kvm' : 'tcg';
  } catch {
    const found = guestEnds(kernel, architecture) ? 'kvm' : 'tcg';
    writeFileSync(known, `${found}\n`);
    return found;
  }
}

function opens(file) {
  try {
    accessSync(file, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether a guest that only turns itself off does so. */
function guestEnds(kernel, architecture) {
  const { qemu, options } = machines[architecture];
  const directory = mkdtempSync(path.join(tmpdir(), 'nx-bpf-kvm-'));
  const initramfs = path.join(directory, 'initramfs');
  const proof = path.join(directory, 'console');
  try {
    const entries = new Map([
      ['dev/.empty', { bytes: Buffer.alloc(0) }],
      ['bin/busybox', staticCommand('busybox')],
      ['bin/sh', { link: 'busybox' }],
      ['init', { bytes: Buffer.from(probeInit), executable: true }],
    ]);
    writeFileSync(initramfs, Buffer.concat(archive(entries)));
    const args = [
      ...options,
      ...['-accel', 'kvm', '-cpu', 'max', '-m', '256', '-nodefaults', '-no-user-config', '-nographic'],
      ...['-no-reboot', '-kernel', kernel.image, '-initrd', initramfs],
      ...['-append', `console=${machines[architecture].console} quiet panic=-1`, '-serial', `file:${proof}`],
    ];
    const { status } = spawnSync(which(qemu), args, { stdio: 'ignore', timeout, killSignal: 'SIGKILL' });
    // A guest that dies also ends, with -no-reboot: only its own word counts.
    return status === 0 && readFileSync(proof, 'utf8').includes(word);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const word = 'nx-bpf guest is alive';
const probeInit = `#!/bin/sh\nbusybox echo '${word}'\nbusybox poweroff -f\n`;
