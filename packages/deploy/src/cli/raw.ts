import os from 'node:os';
import path from 'node:path';
import { BpfError, objectName } from '@nx-bpf/loader';
import pc from 'picocolors';
import { rawLoad, rawUnload, type RawLoad } from '../apply';
import { RelocationCache } from '../cache';
import { errorJson, errorStatus, renderError, table } from '../report';
import { type Outcome } from './request';
import { around, isWatched, StatusLine } from './status-line';
import { ofThisProcess } from './surroundings';

/** Options of the raw `load`. */
export interface RawOptions {
  pin: string;
  programs?: string[];
  cache: boolean;
  btf?: string;
  attach?: boolean;
  json?: boolean;
  verbose?: boolean;
}

/**
 * `nx-bpf load`: object files without a manifest. With `--json` a line per object; one object's failure does not stop
 * the others, and the exit status is that of the first failure.
 */
export async function load(files: readonly string[], options: RawOptions): Promise<Outcome> {
  const cache = new RelocationCache(options.cache ? cacheFolder() : undefined);
  const line =
    options.json !== true && isWatched(process.stderr, process.env)
      ? new StatusLine(process.stderr)
      : undefined;
  const { write } = line === undefined ? ofThisProcess : around(line, ofThisProcess);
  let exitStatus = 0;
  const results: unknown[] = [];
  let interrupted = false;
  for (const [index, file] of files.entries()) {
    line?.show({ what: 'loading', name: file, number: index + 1, of: files.length });
    const directory =
      files.length === 1 ? options.pin : path.join(options.pin, objectName(file).replaceAll('.', '_'));
    let result: unknown;
    try {
      const loaded = await rawLoad(file, {
        directory,
        programs: options.programs,
        types: options.btf,
        cache,
        attach: options.attach ?? false,
      });
      result = { ok: true, ...loaded, error: null };
      if (!options.json) write('stdout', `${render(loaded).join('\n')}\n`);
    } catch (error) {
      exitStatus ||= errorStatus(error);
      result = { object: file, ok: false, programs: [], maps: [], error: errorJson(error) };
      write('stderr', `${renderError(error, options.verbose).join('\n')}\n`);
      interrupted = error instanceof BpfError && error.code === 'INTERRUPTED';
    }
    if (options.json) write('stdout', `${JSON.stringify(result)}\n`);
    results.push(result);
    if (interrupted) break;
  }
  line?.end();
  return { success: exitStatus === 0, exitStatus, result: results };
}

/** `nx-bpf unload`: the way back from `load`. */
export function unload(directory: string, options: { json?: boolean }): Outcome {
  const result = rawUnload(directory);
  const text = `${directory}: ${result.removed.length} pins removed`;
  process.stdout.write(`${options.json ? JSON.stringify(result) : text}\n`);
  return { success: true, exitStatus: 0, result };
}

/** The user's own cache: raw loads belong to no workspace. */
function cacheFolder(): string {
  return path.join(process.env['XDG_CACHE_HOME'] ?? path.join(os.homedir(), '.cache'), 'nx-bpf', 'relocated');
}

function render(loaded: RawLoad): string[] {
  const attached = loaded.programs.some((program) => program.attached !== null);
  return [
    `${pc.green('loaded')} ${pc.bold(loaded.object)} in ${(loaded.elapsedUs.total / 1000).toFixed(1)} ms (relocation cache: ${loaded.cache})`,
    ...table(loaded.programs, [
      { title: 'program', of: (p) => p.name },
      { title: 'type', of: (p) => p.type },
      { title: 'tag', of: (p) => p.tag },
      { title: 'insns', of: (p) => p.insns },
      { title: 'verified', of: (p) => p.verified ?? '-' },
      ...(attached ? [{ title: 'attached', of: (p: RawLoad['programs'][number]) => p.attached ?? '-' }] : []),
      { title: 'pin', of: (p) => p.pin },
    ]).map((line) => `  ${line}`),
    ...(loaded.maps.length === 0
      ? []
      : table(loaded.maps, [
          { title: 'map', of: (m) => m.name },
          { title: 'type', of: (m) => m.type },
          { title: 'key', of: (m) => m.keySize },
          { title: 'value', of: (m) => m.valueSize },
          { title: 'entries', of: (m) => m.maxEntries },
          { title: 'pin', of: (m) => m.pin },
        ]).map((line) => `  ${line}`)),
    ...loaded.notes.map((note) => `  note: ${note}`),
  ];
}
