import { mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { BpfError } from '../errors';
import { closeAll, closeFd, fdById } from '../kernel';
import { preparePin, unpin } from '../load';
import { type Attachment } from './attachment';
import { type EventLink } from './event-link';
import { Link } from './link';

/**
 * A program on a USDT probe through one link, which holds all places of the probe (Linux 6.6).
 *
 * @example
 * ```ts
 * const link = attachUsdt(program, { binary: './traced', provider: 'demo', name: 'watched' });
 * link.hook; // 'usdt'
 * link.close();
 * ```
 */
export class UsdtLink extends Link {
  override readonly hook = 'usdt';
  private released = false;

  /** @param release gives back what the program is told of the probe: all of it, if the link is gone */
  constructor(
    fd: number,
    where: string,
    private readonly release: (gone: boolean) => void,
  ) {
    super(fd, where);
  }

  override close(): void {
    super.close();
    if (this.released) return;
    this.released = true;
    this.release(!isAlive(this.id));
  }
}

/**
 * A program on a USDT probe through several links, one for each place of the probe: before Linux 6.6. A pin of it is a
 * directory, with a pin for each.
 *
 * @example
 * ```ts
 * const link = UsdtLinks.open('/sys/fs/bpf/probe');
 * link.parts.length; // how many places the probe has
 * link.close();
 * ```
 */
export class UsdtLinks implements Attachment {
  readonly hook = 'usdt';
  private closed = false;

  /** @param release gives back what the program is told of the probe: all of it, if no link is left */
  constructor(
    /** In the order of the binary's notes. */
    readonly parts: readonly (Link | EventLink)[],
    private readonly where: string,
    private readonly release: (gone: boolean) => void = () => undefined,
  ) {}

  /**
   * The links that {@link pin} pinned in a directory.
   *
   * @throws BpfError PIN_NOT_FOUND, PIN_INVALID when something else is pinned there
   */
  static open(directory: string): UsdtLinks {
    const names = pinsIn(directory);
    const parts: Link[] = [];
    try {
      for (const name of names) parts.push(Link.open(path.join(directory, name)));
    } catch (error) {
      for (const part of parts) part.close();
      throw error;
    }
    return new UsdtLinks(parts, `usdt at ${parts.map((part) => part.describe()).join(', ')}`);
  }

  describe(): string {
    return this.where;
  }

  /** @throws BpfError ATTACH_FAILED: attach the new program, then close this */
  update(): never {
    throw new BpfError('ATTACH_FAILED', `${this.where}: update: links of this kind cannot be updated`, {
      hint: 'attach the new program, then close this',
    });
  }

  /**
   * Let the links live on beyond this process: each gets a pin `0`, `1`, ... in a directory, which is made. Where one
   * cannot be pinned none is.
   *
   * @throws BpfError PIN_EXISTS, PIN_INVALID, NO_BPFFS, PIN_FAILED
   */
  pin(directory: string): void {
    preparePin(directory);
    const made: string[] = [];
    makeDirectory(directory);
    try {
      for (const [i, part] of this.parts.entries()) {
        const place = path.join(directory, String(i));
        part.pin(place);
        made.push(place);
      }
    } catch (error) {
      for (const place of made) unpin(place);
      rmdirSync(directory);
      throw error;
    }
  }

  /** @throws BpfError ATTACH_FAILED, as for links of perf events: close it */
  detach(): void {
    for (const part of this.parts) part.detach();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    try {
      closeAll(this.parts);
    } finally {
      this.release(!this.parts.some((part) => part instanceof Link && isAlive(part.id)));
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Whether a pin or another fd holds a link that was closed. Without the right to ask, it may be so. */
function isAlive(id: number): boolean {
  try {
    const fd = fdById('link', id);
    if (fd === undefined) return false;
    closeFd(fd);
    return true;
  } catch {
    return true;
  }
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw new BpfError(
      exists ? 'PIN_EXISTS' : 'PIN_FAILED',
      `${directory}: the links of a probe cannot be pinned there`,
      { path: directory, ...(exists && { found: 'something that is there already' }) },
      error,
    );
  }
}

function pinsIn(directory: string): string[] {
  const names = namesIn(directory);
  if (names.length > 0) return names.sort((a, b) => Number(a) - Number(b));
  throw new BpfError('PIN_NOT_FOUND', `${directory}: no links are pinned in this directory`, {
    path: directory,
  });
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['ENOENT', 'ENOTDIR'].includes(code)) return [];
    throw new BpfError('PIN_INVALID', `${directory}: it cannot be looked into`, { path: directory }, error);
  }
}
