import fs from 'node:fs';
import path from 'node:path';
import { BpfError, Fd, openPath, tryLock } from '@nx-bpf/loader';
import { createDirectories, removeIfEmpty } from './directories';
import { holderText, lockHolder } from './lock-holder';

export interface LockOptions {
  /** Mode of the directory, where it has to be made. */
  readonly mode: number;
  /** How long to wait for another holder, in milliseconds. */
  readonly timeoutMs: number;
  /** Told once, when it has to wait. */
  readonly onWait?: (() => void) | undefined;
  /** Called at each turn of waiting; what it throws ends the waiting. */
  readonly checkpoint?: (() => Promise<void>) | undefined;
}

const pauseMs = 50;

/**
 * The exclusive lock of a project and environment: flock(2) on its `lock` directory. The kernel gives it back when
 * the process ends, however that happens, so there is never a stale lock.
 *
 * @param directory the lock's directory, made if it is not there
 * @returns the lock: closing it gives it back; and the directories that were made for it, outermost first
 * @throws BpfError LOCK_TIMEOUT, PRIVILEGE_MISSING, and what `checkpoint` throws
 */
export async function acquireLock(
  directory: string,
  options: LockOptions,
): Promise<{ lock: Fd; made: readonly string[] }> {
  const made: string[] = [];
  try {
    const lock = await waitFor(directory, options, made);
    return { lock, made };
  } catch (error) {
    for (const place of made.reverse()) removeIfEmpty(place);
    throw error;
  }
}

async function waitFor(directory: string, options: LockOptions, made: string[]): Promise<Fd> {
  const deadline = Date.now() + options.timeoutMs;
  let waiting = false;
  for (;;) {
    const lock = attempt(directory, options.mode, made);
    if (lock !== undefined) return lock;
    if (Date.now() >= deadline) {
      throw new BpfError(
        'LOCK_TIMEOUT',
        `${path.dirname(directory)} is being deployed to by another process`,
        {
          path: directory,
          hint: `waited ${options.timeoutMs / 1000} s; ${holderHint(directory)}`,
        },
      );
    }
    if (!waiting) options.onWait?.();
    waiting = true;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    await options.checkpoint?.();
  }
}

function holderHint(directory: string): string {
  const holder = lockHolder(directory);
  return holder === undefined
    ? `see who holds it with: fuser -v ${directory}`
    : `it is held by ${holderText(holder)}`;
}

/** Undefined if somebody else has the lock, or was removing its directory with a deployment meanwhile. */
function attempt(directory: string, mode: number, made: string[]): Fd | undefined {
  let fd: Fd | undefined;
  try {
    made.push(...createDirectories(directory, mode));
    fd = new Fd(openPath(directory), `lock ${directory}`);
    // The holder before may have removed the directory: then this is a lock on nothing.
    if (tryLock(fd.number, 'exclusive') && isStill(fd, directory)) return fd;
  } catch (error) {
    const vanished =
      error instanceof BpfError
        ? error.fields.errno === 'ENOENT'
        : (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (!vanished) {
      fd?.close();
      throw error;
    }
  }
  fd?.close();
  return undefined;
}

function isStill(fd: Fd, directory: string): boolean {
  const held = fs.fstatSync(fd.number);
  const there = fs.statSync(directory, { throwIfNoEntry: false });
  return there !== undefined && there.ino === held.ino && there.dev === held.dev;
}
