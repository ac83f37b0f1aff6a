import { sharedName, type ProjectConfig } from '../manifest';
import { acquireLock, isThere, removeIfEmpty, sharedBase, sharedLock, type Layout } from '../state';
import { type Interruption } from './interruption';
import { type Undo } from './undo';

/**
 * Takes the lock of the maps that an environment's projects share, for as long as `undo` lasts. It comes before the
 * lock of the project, always: two projects that want both never wait for each other.
 *
 * @param wanted whether the project is about to use such a map; otherwise the lock is taken only if there are some
 * @throws BpfError LOCK_TIMEOUT, INTERRUPTED, PRIVILEGE_MISSING
 */
export async function lockShared(
  config: ProjectConfig,
  layout: Layout,
  wanted: boolean,
  context: {
    readonly undo: Undo;
    readonly interruption: Interruption;
    readonly note: (text: string) => void;
  },
): Promise<void> {
  if (!wanted && !isThere(sharedBase(layout))) return;
  const { undo, interruption, note } = context;
  const { lock, made } = await acquireLock(sharedLock(layout), {
    mode: config.pin.mode,
    timeoutMs: config.deploy.lockTimeoutMs,
    onWait: () =>
      note(`waiting for a deploy that uses the maps of ${sharedName}/${config.environment} to finish`),
    checkpoint: () => interruption.checkpoint(),
  });
  undo.own('lock of shared maps', lock);
  for (const directory of made) undo.push(`remove ${directory}`, () => removeIfEmpty(directory));
}
