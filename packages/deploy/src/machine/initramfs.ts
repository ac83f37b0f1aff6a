import fs from 'node:fs';
import path from 'node:path';
import { BpfError } from '@nx-bpf/loader';
import { output } from './command';
import { archive, type Entry } from './cpio';
import { staticCommand, withLibraries } from './executable';
import { init } from './init';
import { moduleClosure } from './modules';

/** A kernel that can be booted. */
export interface BootKernel {
  /** By which people know it. */
  readonly name: string;
  /** As `uname -r` says there. */
  readonly release: string;
  /** The file to boot. */
  readonly image: string;
  /** Its configuration; undefined: the guest has none in /boot. */
  readonly config: string | undefined;
  /** The directory of its modules; undefined: what a guest needs is built into it. */
  readonly modules: string | undefined;
}

/**
 * What every guest needs of its kernel: the serial device to this machine, interfaces to attach to, and the filters of
 * traffic control, which a guest without modprobe(8) would not find by itself.
 */
const modules = ['virtio_pci', 'virtio_console', 'veth', 'sch_ingress', 'cls_bpf'];

/**
 * What is in every guest but its kernel's own files: busybox, node and koffi, so that Node programs with koffi run.
 *
 * @throws BpfError TOOLCHAIN_NOT_FOUND
 */
export function machineFiles(): Map<string, Entry> {
  const native = `@koromix/koffi-linux-${process.arch}`;
  return new Map([
    ['bin/busybox', staticCommand('busybox')],
    ...withLibraries(process.execPath, 'bin/node'),
    ...sharedFiles(),
    ...moduleFiles(native, packageDirectory(native)),
  ]);
}

/** What is the same on every architecture: busybox's names, and koffi's JavaScript. */
export function sharedFiles(): Map<string, Entry> {
  const koffi = packageDirectory('koffi');
  return new Map([
    ...applets(),
    ...['package.json', 'index.cjs', 'src'].flatMap((part) =>
      moduleFiles(`koffi/${part}`, path.join(koffi, part)),
    ),
  ]);
}

/** Where koffi, or the part of it for this architecture, is installed: as the loader, whose package it is, finds it. */
function packageDirectory(name: string): string {
  const loader = require.resolve('@nx-bpf/loader/package.json');
  for (let place = path.dirname(loader); ; place = path.dirname(place)) {
    const found = path.join(place, 'node_modules', name);
    if (fs.existsSync(path.join(found, 'package.json'))) return found;
    if (path.dirname(place) === place)
      throw new BpfError('FILE', `the package ${name} is not installed beside ${loader}`, { path: loader });
  }
}

/** A Node package or a part of it, where `require` finds it from anywhere. */
export function moduleFiles(name: string, place: string): [string, Entry][] {
  return filesBelow(place)
    .filter((file) => /\.(cjs|json|js|node)$/.test(file) && !file.includes('/musl_'))
    .map((file): [string, Entry] => [
      path.join('node_modules', name, path.relative(place, file)),
      { bytes: fs.readFileSync(file) },
    ]);
}

function filesBelow(place: string): string[] {
  if (!fs.statSync(place).isDirectory()) return [place];
  return fs
    .readdirSync(place, { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(place, name))
    .filter((file) => fs.statSync(file).isFile());
}

/** busybox is all the commands that it is linked as. */
function applets(): [string, Entry][] {
  const names = output('busybox', ['--list']).toString('utf8').trim().split('\n');
  return names.filter((name) => name !== 'busybox').map((name) => [`bin/${name}`, { link: 'busybox' }]);
}

/**
 * The modules that a guest of a kernel inserts, in that order.
 *
 * @param further beside those that every guest needs
 * @returns uncompressed, by name
 * @throws BpfError FILE
 */
export function insertedModules(
  kernel: Pick<BootKernel, 'modules'>,
  further: readonly string[] = [],
): Map<string, Uint8Array> {
  return kernel.modules === undefined ? new Map() : moduleClosure(kernel.modules, [...modules, ...further]);
}

/**
 * Writes the first file system of a guest.
 *
 * @param file where
 * @param files of every guest, and of this run
 * @param command and its arguments
 * @param furtherModules that are inserted
 */
export function writeInitramfs(
  file: string,
  kernel: BootKernel,
  files: ReadonlyMap<string, Entry>,
  command: readonly string[],
  furtherModules: readonly string[],
): void {
  const inserted = insertedModules(kernel, furtherModules);
  const entries = new Map<string, Entry>([
    ...emptyDirectories.map((directory): [string, Entry] => [`${directory}/.empty`, text('')]),
    ...files,
    ['init', text(init, true)],
    ['command', text(`#!/bin/sh\nexec ${command.map(quoted).join(' ')}\n`, true)],
    ...(kernel.config === undefined
      ? []
      : [[`boot/config-${kernel.release}`, { bytes: fs.readFileSync(kernel.config) }] as [string, Entry]]),
    ...[...inserted].map(([name, bytes]): [string, Entry] => [`modules/${name}.ko`, { bytes }]),
    ['modules/order', text([...inserted.keys()].map((name) => `${name}.ko\n`).join(''))],
  ]);
  fs.writeFileSync(file, Buffer.concat(archive(entries)));
}

const emptyDirectories = ['dev', 'proc', 'sys', 'run', 'tmp', 'root', 'sbin', 'usr/bin'];

const text = (content: string, executable = false): Entry => ({ bytes: Buffer.from(content), executable });

/** A word for sh(1), whatever is in it. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
