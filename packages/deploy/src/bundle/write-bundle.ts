import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type ProjectConfig } from '../manifest';
import { type BuiltObject } from '../toolchain';
import {
  BUNDLE_FORMAT,
  indexDigestFile,
  indexFile,
  type BundledObject,
  type BundleIndex,
} from './bundle-index';
import { lockEntry } from './lock-entry';
import { encodeConfig } from './portable-config';

/**
 * Writes a project in an environment as one file: its objects, the merged manifest, the data files that this names,
 * and the lock. The same inputs give the same bytes, whoever writes them, where and when.
 *
 * @param file where to; written by rename
 * @returns SHA-256 of the bundle
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
): Promise<string> {
  const staging = fs.mkdtempSync(path.join(os.tmpdir(), 'nx-bpf-bundle-'));
  try {
    const files = new Map<string, Uint8Array>();
    const bundled = objects.map(({ name, file: from, sha256, sources, toolchain }): BundledObject => {
      const inside = `objects/${name}.bpf.o`;
      files.set(inside, fs.readFileSync(from));
      return { name, file: inside, sha256, sources, toolchain };
    });
    const moved = new Map<string, string>();
    for (const [name, { contents }] of Object.entries(config.maps)) {
      if (contents === undefined || !('file' in contents.from)) continue;
      const inside = `data/${name}${path.extname(contents.from.file)}`;
      files.set(inside, fs.readFileSync(contents.from.file));
      moved.set(contents.from.file, inside);
    }
    const names = [...files.keys()].sort();
    const index: BundleIndex = {
      format: BUNDLE_FORMAT,
      project: config.project,
      environment: config.environment,
      config: encodeConfig(config, moved),
      objects: bundled,
      lock: lockEntry(config, objects),
      files: Object.fromEntries(names.map((name) => [name, digest(files.get(name)!)])),
    };
    const text = Buffer.from(`${JSON.stringify(index, null, 2)}\n`);
    files.set(indexFile, text);
    files.set(indexDigestFile, Buffer.from(`${digest(text)}\n`));
    for (const [name, bytes] of files) {
      fs.mkdirSync(path.join(staging, path.dirname(name)), { recursive: true });
      fs.writeFileSync(path.join(staging, name), bytes, { mode: 0o644 });
    }
    const archive = path.join(staging, 'bundle');
    // The index first: who reads on knows what is to come.
    // Loaded when it is needed: few commands do.
    const { create } = await import('tar');
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
    const bytes = fs.readFileSync(archive);
    const temporary = `${file}.${process.pid}.new`;
    fs.writeFileSync(temporary, bytes);
    fs.renameSync(temporary, file);
    return digest(bytes);
  } finally {
    fs.rmSync(staging, { recursive: true, force: true });
  }
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
