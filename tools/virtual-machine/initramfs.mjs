import { Buffer } from 'node:buffer';
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../setup/index.mjs';
import { run } from '../setup/command.mjs';
import { archive } from './cpio.mjs';
import { staticCommand, withLibraries } from './executable.mjs';
import { moduleClosure } from './modules.mjs';

/**
 * What every guest needs of its kernel: the serial device to this machine, interfaces to attach to, and the filters of
 * traffic control, which a guest without modprobe(8) would not find by itself.
 */
const modules = ['virtio_pci', 'virtio_console', 'veth', 'sch_ingress', 'cls_bpf'];

/**
 * What is in every guest but its kernel's own files: busybox, node and koffi, so that Node programs with koffi run.
 *
 * @returns {Map<string, import('./cpio.mjs').Entry>}
 */
export function machineFiles() {
  const native = `@koromix/koffi-linux-${process.arch}`;
  return new Map([
    ['bin/busybox', staticCommand('busybox')],
    ...withLibraries(process.execPath, 'bin/node'),
    ...sharedFiles(),
    ...moduleFiles(native, path.join(root, 'node_modules', native)),
  ]);
}

/** What is the same on every architecture: busybox's names, and koffi's JavaScript. */
export function sharedFiles() {
  const koffi = ['koffi/package.json', 'koffi/index.cjs', 'koffi/src'];
  return new Map([
    ...applets(),
    ...koffi.flatMap((name) => moduleFiles(name, path.join(root, 'node_modules', name))),
  ]);
}

/** A Node package or a part of it, where `require` finds it from anywhere. */
export function moduleFiles(name, place) {
  return filesBelow(place)
    .filter((file) => /\.(cjs|json|js|node)$/.test(file) && !file.includes('/musl_'))
    .map((file) => [
      path.join('node_modules', name, path.relative(place, file)),
      { bytes: readFileSync(file) },
    ]);
}

function filesBelow(place) {
  if (!statSync(place).isDirectory()) return [place];
  return readdirSync(place, { recursive: true })
    .map((name) => path.join(place, name))
    .filter((file) => statSync(file).isFile());
}

/** busybox is all the commands that it is linked as. */
function applets() {
  const names = run('busybox', ['--list']).trim().split('\n');
  return names.filter((name) => name !== 'busybox').map((name) => [`bin/${name}`, { link: 'busybox' }]);
}

/**
 * Writes the first file system of a guest.
 *
 * @param {string} file where
 * @param {import('./kernel.mjs').Kernel} kernel
 * @param {Map<string, import('./cpio.mjs').Entry>} files of every guest, and of this run
 * @param {readonly string[]} command and its arguments
 * @param {readonly string[]} furtherModules that are inserted
 */
export function writeInitramfs(file, kernel, files, command, furtherModules) {
  const inserted = moduleClosure(kernel.modules, [...modules, ...furtherModules]);
  const entries = new Map([
    ...emptyDirectories.map((directory) => [`${directory}/.empty`, text('')]),
    ...files,
    ['init', text(readFileSync(path.join(import.meta.dirname, 'init.sh'), 'utf8'), true)],
    ['command', text(`#!/bin/sh\nexec ${command.map(quoted).join(' ')}\n`, true)],
    [`boot/config-${kernel.release}`, { bytes: readFileSync(kernel.config) }],
    ...[...inserted].map(([name, bytes]) => [`modules/${name}.ko`, { bytes }]),
    ['modules/order', text([...inserted.keys()].map((name) => `${name}.ko\n`).join(''))],
  ]);
  writeFileSync(file, Buffer.concat(archive(entries)));
}

const emptyDirectories = ['dev', 'proc', 'sys', 'run', 'tmp', 'root', 'sbin', 'usr/bin'];

const text = (content, executable = false) => ({ bytes: Buffer.from(content), executable });

/** A word for sh(1), whatever is in it. */
function quoted(word) {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
