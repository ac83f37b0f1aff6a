import { sharedName, type ProjectConfig } from '../manifest';
import {
  acquireLock,
  holderText,
  isThere,
  lockHolder,
  refuseOpenDirectories,
  removeIfEmpty,
  sharedBase,
  sharedLock,
  type Layout,
} from '../state';
import { type Interruption } from './interruption';
import { type Undo } from './undo';

/** What waiting for a lock needs. */
interface LockContext {
  readonly undo: Undo;
  readonly interruption: Interruption;
  readonly note: (text: string) => void;
}

/**
 * Takes the locks of a deployment for as long as `undo` lasts: that of the maps that an environment's projects share,
 * then that of the project and environment. Always in this order: two projects that want both never wait for each
 * other.
 *
 * @param shares whether the project is about to use a shared map; otherwise their lock is taken only if there are some
 * @throws BpfError LOCK_TIMEOUT, INTERRUPTED, PRIVILEGE_MISSING, PIN_INVALID for directories that others can change
 */
export async function takeLocks(
  config: ProjectConfig,
  layout: Layout,
  shares: boolean,
  context: LockContext,
): Promise<void> {
  const { project, environment } = config;
  if (shares || isThere(sharedBase(layout))) {
    await take(
      sharedLock(layout),
      `a deploy that uses the maps of ${sharedName}/${environment}`,
      config,
      context,
    );
  }
  await take(layout.lock, `another deploy of ${project}/${environment}`, config, context);
}

/** Who has to wait is told for whom. */
async function take(
  directory: string,
  holds: string,
  config: ProjectConfig,
  { undo, interruption, note }: LockContext,
): Promise<void> {
  refuseOpenDirectories(directory, config.pin.mode);
  const { lock, made } = await acquireLock(directory, {
    mode: config.pin.mode,
    timeoutMs: config.deploy.lockTimeoutMs,
    onWait: () => {
      const holder = lockHolder(directory);
      note(`waiting for ${holds} to finish${holder === undefined ? '' : `: ${holderText(holder)}`}`);
    },
    checkpoint: () => interruption.checkpoint(),
  });
  undo.own(`lock ${directory}`, lock);
  // Undone while the lock is still held: whoever waits for it notices that its directory is gone.
  for (const place of made) undo.push(`remove ${place}`, () => removeIfEmpty(place));
  // Somebody else may have been faster with one that was not there.
  refuseOpenDirectories(directory, config.pin.mode);
}
