import fs from 'node:fs';
import path from 'node:path';
import { BpfError } from '@nx-bpf/loader/errors';
import pc from 'picocolors';
import { listProjects, manifestFile } from '../manifest';
import { scanIncludes } from '../toolchain';
import { type CommandName } from './commands';
import { Interruptible } from './interruptible';
import { run } from './run';
import { type Outcome, type Request } from './request';

/** Editors save a file in several steps: what comes within this time is one change. */
const settleMs = 30;

/**
 * Runs a command, and again whenever a manifest, a C file or a header that it depends on is saved, until it is
 * stopped. What goes wrong is on the screen, and the next save is another try.
 *
 * @param stop ends it; what runs at that moment is finished first
 * @returns how the last run ended
 *
 * @example
 * ```ts
 * const stop = new AbortController();
 * setTimeout(() => stop.abort(), 100);
 * await watch('build', { workspaceRoot: process.cwd(), project: 'agent' }, stop.signal);
 * ```
 */
export async function watch(
  command: 'build' | 'apply',
  request: Request,
  stop: AbortSignal,
): Promise<Outcome> {
  for (;;) {
    // Watched from before the run: what is saved meanwhile is not missed.
    const change = nextChange(watchedFiles(request), stop);
    // Where nothing can be watched, that is said after the run.
    change.catch(() => undefined);
    const started = performance.now();
    const outcome = await run(command, request);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    process.stderr.write(pc.dim(`${command}: ${seconds} s; waiting for a change (Ctrl-C ends)\n`));
    const changed = await change;
    if (changed === undefined) return outcome;
    process.stderr.write(pc.dim(`${path.relative(request.workspaceRoot, changed)} changed\n`));
  }
}

/** The files whose change is a reason to run again, absolute; as the manifests and the C say now. */
function watchedFiles({ workspaceRoot, project }: Request): string[] {
  const listed = listProjects(workspaceRoot).find(({ name }) => name === project);
  const written = listed?.written;
  const included = listed === undefined ? [] : scanIncludes(workspaceRoot, listed).map(({ to }) => to);
  const files = [manifestFile, ...(listed?.files ?? []), ...(written?.sources ?? []), ...included];
  return [...new Set([...files, ...(written?.types ?? []), ...(written?.data ?? [])])].map((file) =>
    path.join(workspaceRoot, file),
  );
}

/**
 * The first of some files that changes, once it has settled; undefined when it is stopped. Their directories are
 * watched, since an editor replaces a file by another of its name.
 */
function nextChange(files: readonly string[], stop: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    const wanted = new Set(files);
    const watchers: fs.FSWatcher[] = [];
    let settled: NodeJS.Timeout | undefined;
    const finish = (changed?: string): void => {
      clearTimeout(settled);
      stop.removeEventListener('abort', stopped);
      for (const watcher of watchers) watcher.close();
      resolve(changed);
    };
    const stopped = (): void => finish();
    for (const directory of new Set(files.map((file) => path.dirname(file)))) {
      if (!fs.existsSync(directory)) continue;
      watchers.push(
        watchDirectory(directory, (name) => {
          const file = path.join(directory, name);
          if (!wanted.has(file)) return;
          clearTimeout(settled);
          settled = setTimeout(() => finish(file), settleMs);
        }),
      );
    }
    stop.addEventListener('abort', stopped);
    if (stop.aborted) stopped();
  });
}

function watchDirectory(directory: string, changed: (name: string) => void): fs.FSWatcher {
  try {
    return fs.watch(directory, (_event, name) => changed(name ?? ''));
  } catch (cause) {
    throw new BpfError(
      'FILE',
      `${directory} cannot be watched: ${(cause as Error).message}`,
      {
        path: directory,
        hint: 'sysctl fs.inotify.max_user_watches and max_user_instances bound how much can be',
      },
      cause,
    );
  }
}

/**
 * Runs a command once, or with `watch` until Ctrl-C.
 *
 * @example
 * ```ts
 * const { success } = await runOrWatch('build', { workspaceRoot: process.cwd(), project: 'agent' });
 * ```
 */
export async function runOrWatch(command: CommandName, request: Request): Promise<Outcome> {
  const again = request.watch === true && request.bundle === undefined;
  if (!again || (command !== 'build' && command !== 'apply')) return run(command, request);
  const interruptible = new Interruptible();
  try {
    return await watch(command, request, interruptible.signal);
  } finally {
    interruptible.done();
  }
}
