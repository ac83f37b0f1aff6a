import os from 'node:os';
import path from 'node:path';
import { takeBundledRelocations } from '../apply';
import { checkLock, lockedObjects } from '../bundle';
import { RelocationCache } from '../cache';
import { buildObjects, type BuiltObject } from '../toolchain';
import { outputDirectory } from './output-directory';
import { type CommandInput } from './request';

/** What commands know of an object, whether it was compiled here or came in a bundle. */
export type CommandObject = Pick<
  BuiltObject,
  'name' | 'file' | 'sha256' | 'sources' | 'toolchain' | 'cached'
> &
  Partial<Pick<BuiltObject, 'diagnostics'>>;

/**
 * The objects of a project: compiled, unless they are as the sources say; or those of the bundle.
 *
 * @throws BpfError LOCK_MISMATCH where the lock file is to hold and does not
 */
export async function objectsOf(input: CommandInput): Promise<readonly CommandObject[]> {
  const { bundle } = input;
  return bundle === undefined ? build(input) : bundle.objects.map((object) => ({ ...object, cached: true }));
}

/** Compiles, and holds what came of it against the lock file where that is asked for. */
export async function build({
  config,
  request,
  note,
  progress,
  verbose,
}: CommandInput): Promise<BuiltObject[]> {
  const outDir = outputDirectory(config);
  const locked = lockedObjects(config);
  const objects = await buildObjects(config, { outDir, note, progress, locked, verbose });
  if (isFrozen(config, request)) checkLock(config, objects);
  return objects;
}

/** Whether only what the lock file says may be used. */
export function isFrozen({ deploy }: CommandInput['config'], { frozen }: CommandInput['request']): boolean {
  return frozen === true || deploy.requireLock;
}

/** In the workspace; for a bundle, in the user's own cache, with what the bundle has for this kernel. */
export function relocations({ config, bundle, note }: CommandInput): RelocationCache {
  if (bundle === undefined) {
    return new RelocationCache(path.join(config.workspaceRoot, '.nx-bpf', 'cache', 'relocated'));
  }
  const folder = process.env['XDG_CACHE_HOME'] ?? path.join(os.homedir(), '.cache');
  const cache = new RelocationCache(path.join(folder, 'nx-bpf', 'relocated'));
  const kernel = takeBundledRelocations(cache, bundle);
  if (kernel !== undefined) note(`relocated for this kernel when it was bundled: ${kernel}`);
  return cache;
}
