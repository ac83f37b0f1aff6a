/**
 * A process that applies a manifest, or rolls back, and is killed on the way: `node -r ./tools/run-source.js` with a request as JSON in
 * its only argument. It prints `ready` and waits for a line on stdin, so that several can be started ahead.
 *
 * Every step of an apply changes something under the pin root with node:fs (a pin is given its mode right after it is
 * made), so the SIGKILL right before such a call, whichever it is, stands for one at every step.
 */
import fs from 'node:fs';
import { apply, rollback } from '../../packages/deploy/src/apply';
import { RelocationCache } from '../../packages/deploy/src/cache';
import { loadProject } from '../../packages/deploy/src/manifest';
import { type NamedObject } from './deployment';

export interface KilledApply {
  readonly workspace: string;
  readonly objects: readonly NamedObject[];
  readonly set: readonly string[];
  readonly cacheFolder: string;
  /** Go back to the generation before instead. */
  readonly rollback?: boolean;
  /** Everything below this is counted. */
  readonly bpffs: string;
}

const request = JSON.parse(process.argv[2]!) as KilledApply;
const changes = ['mkdirSync', 'rmdirSync', 'rmSync', 'renameSync', 'chmodSync', 'symlinkSync'] as const;

process.stdin.once('data', (line) => {
  killBefore(Number(line.toString()));
  const { workspace, objects, set, cacheFolder } = request;
  const config = loadProject({ workspaceRoot: workspace, project: 'p', set });
  const cache = new RelocationCache(cacheFolder);
  const note = (): void => undefined;
  const work =
    request.rollback === true ? rollback(config, { note }) : apply({ config, objects, cache, note });
  void work.then(() => process.exit(0));
});
console.log('ready');

/** Kills this process before the change with that number. */
function killBefore(number: number): void {
  let count = 0;
  for (const name of changes) {
    const original = fs[name] as (...args: unknown[]) => unknown;
    Object.assign(fs, {
      [name]: (...args: unknown[]) => {
        if (
          args.some((arg) => typeof arg === 'string' && arg.startsWith(request.bpffs)) &&
          ++count === number
        )
          process.kill(process.pid, 'SIGKILL');
        return original(...args);
      },
    });
  }
}
