import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BpfError } from '@nx-bpf/loader';
import { type ProjectConfig } from '../manifest';
import { sha256, tar, writeAtomically, type BuiltObject } from '../toolchain';
import {
  BUNDLE_FORMAT,
  indexDigestFile,
  indexFile,
  type BundledObject,
  type BundleIndex,
} from './bundle-index';
import { lockEntry } from './lock-entry';
import { encodeConfig } from './portable-config';
import { type BundledRelocation } from './relocate-for-kernels';

/**
 * Writes a project in an environment as one file: see {@link makeBundle}.
 *
 * @param file where to; written by rename
 * @returns SHA-256 of the bundle
 * @throws BpfError FILE
 *
 * @example
 * ```ts
 * const objects = await buildObjects(config, { outDir: 'dist/bpf/dev' });
 * await writeBundle(config, objects, 'agent-dev.nxbpf'); // '5e88489...'
 * ```
 */
export async function writeBundle(
  config: ProjectConfig,
  objects: readonly BuiltObject[],
  file: string,
  relocations: readonly BundledRelocation[] = [],
): Promise<string> {
  const bytes = await makeBundle(config, objects, relocations);
  save(file, bytes);
  return sha256(bytes);
}

/**
 * A project in an environment as the bytes of one file: its objects, the merged manifest, the data files that this
 * names, and the lock. The same inputs give the same bytes, whoever makes them, where and when.
 *
 * @param relocations of its objects for kernels: see `relocateForKernels`
 * @throws BpfError FILE
 */
export async function makeBundle(
  config: ProjectConfig,
  objects: readonly BuiltObject[],
  relocations: readonly BundledRelocation[] = [],
): Promise<Buffer> {
  const staging = fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-bundle-'));
  try {
    const files = new Map<string, Uint8Array>();
    const bundled = objects.map(({ file: from, ...object }): BundledObject => {
      const { name, sources, toolchain } = object;
      const inside = `objects/${name}.bpf.o`;
      files.set(inside, fs.readFileSync(from));
      return { name, file: inside, sha256: object.sha256, sources, toolchain };
    });
    const moved = new Map<string, string>();
    for (const [name, { contents }] of Object.entries(config.maps)) {
      if (contents === undefined || !('file' in contents.from)) continue;
      const inside = `data/${name}${path.extname(contents.from.file)}`;
      files.set(inside, readData(`the contents of map '${name}'`, contents.from.file));
      moved.set(contents.from.file, inside);
    }
    for (const { name, packet, expect } of config.runs) {
      for (const [part, of] of [
        ['input', packet],
        ['output', expect.output],
      ] as const) {
        if (of === undefined || !('file' in of)) continue;
        const inside = `packets/${name}.${part}`;
        files.set(inside, readData(`the ${part} of check '${name}'`, of.file));
        moved.set(of.file, inside);
      }
    }
    const indexed = relocations.map(({ bytes, ...relocation }) => {
      const inside = `relocated/${relocation.kernel}.${relocation.object}`;
      files.set(inside, bytes);
      return { ...relocation, file: inside };
    });
    const names = [...files.keys()].sort();
    const index: BundleIndex = {
      format: BUNDLE_FORMAT,
      project: config.project,
      environment: config.environment,
      config: encodeConfig(config, moved),
      objects: bundled,
      lock: lockEntry(config, objects),
      relocations: indexed,
      files: Object.fromEntries(names.map((name) => [name, sha256(files.get(name)!)])),
    };
    const text = Buffer.from(`${JSON.stringify(index, null, 2)}\n`);
    files.set(indexFile, text);
    files.set(indexDigestFile, Buffer.from(`${sha256(text)}\n`));
    for (const [name, bytes] of files) {
      fs.mkdirSync(path.join(staging, path.dirname(name)), { recursive: true });
      fs.writeFileSync(path.join(staging, name), bytes, { mode: 0o644 });
    }
    const archive = path.join(staging, 'bundle');
    // The index first: who reads on knows what is to come.
    // Loaded when it is needed: few commands do.
    const { create } = tar();
    create(
      {
        sync: true,
        file: archive,
        cwd: staging,
        portable: true,
        noPax: true,
        mtime: new Date(0),
        noDirRecurse: true,
      },
      [indexFile, indexDigestFile, ...names],
    );
    return fs.readFileSync(archive);
  } finally {
    fs.rmSync(staging, { recursive: true, force: true });
  }
}

function readData(what: string, file: string): Buffer {
  try {
    return fs.readFileSync(file);
  } catch (cause) {
    const why = (cause as Error).message;
    throw new BpfError('FILE', `${what} cannot be read: ${why}`, { path: file }, cause);
  }
}

function save(file: string, bytes: Uint8Array): void {
  try {
    writeAtomically(file, bytes);
  } catch (cause) {
    const why = (cause as Error).message;
    throw new BpfError('FILE', `the bundle cannot be saved as ${file}: ${why}`, { path: file }, cause);
  }
}
