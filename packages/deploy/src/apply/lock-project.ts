import { type ProjectConfig } from '../manifest';
import { acquireLock, holderText, lockHolder, removeIfEmpty, type Layout } from '../state';
import { type Interruption } from './interruption';
import { type Undo } from './undo';

/**
 * Takes the lock of a project and environment for as long as `undo` lasts.
 *
 * @throws BpfError LOCK_TIMEOUT, INTERRUPTED, PRIVILEGE_MISSING
 */
export async function lockProject(
  config: ProjectConfig,
  layout: Layout,
  context: {
    readonly undo: Undo;
    readonly interruption: Interruption;
    readonly note: (text: string) => void;
  },
): Promise<void> {
  const { undo, interruption, note } = context;
  const { lock, made } = await acquireLock(layout.lock, {
    mode: config.pin.mode,
    timeoutMs: config.deploy.lockTimeoutMs,
    onWait: () => {
      const holder = lockHolder(layout.lock);
      const who = holder === undefined ? '' : `: ${holderText(holder)}`;
      note(`waiting for another deploy of ${config.project}/${config.environment} to finish${who}`);
    },
    checkpoint: () => interruption.checkpoint(),
  });
  undo.own('lock', lock);
  // Undone while the lock is still held: whoever waits for it notices that its directory is gone.
  for (const directory of made) undo.push(`remove ${directory}`, () => removeIfEmpty(directory));
}
