import { lstatSync, mkdirSync, renameSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { BpfError } from '../errors';
import { fileSystemMagic, fileSystemType, findMount, pinObject } from '../kernel';

/**
 * Check a path for a pin before the kernel answers with a bare EPERM or EINVAL: it is on a bpffs, and no part of it
 * there has a dot. Nothing is made.
 *
 * @throws BpfError PIN_INVALID for a name that bpffs refuses; NO_BPFFS
 *
 * @example
 * ```ts
 * checkPin('/sys/fs/bpf/app/maps/hits');
 * ```
 */
export function checkPin(pin: string): void {
  let existing = '/';
  let onBpffs = fileSystemType(existing) === fileSystemMagic.bpffs;
  let missing = false;
  for (const name of path.resolve(pin).split('/').slice(1)) {
    if (onBpffs && name.includes('.')) throw dotted(pin, name);
    if (missing) continue;
    const type = fileSystemType(path.join(existing, name));
    missing = type === undefined;
    if (missing) continue;
    existing = path.join(existing, name);
    onBpffs = type === fileSystemMagic.bpffs;
  }
  if (!onBpffs) throw notOnBpffs(pin, existing);
}

function dotted(pin: string, name: string): BpfError {
  return new BpfError('PIN_INVALID', `pin ${pin}`, {
    path: pin,
    found: `the name '${name}'`,
    expected: 'a name without a dot, which bpffs keeps for itself',
    hint: `call it '${name.replaceAll('.', '_')}'`,
  });
}

function notOnBpffs(pin: string, existing: string): BpfError {
  const mounted = findMount('bpf');
  return new BpfError('NO_BPFFS', `pin ${pin}: ${existing} is not on a bpf file system`, {
    path: pin,
    hint:
      mounted === undefined
        ? 'no bpffs is mounted: mount -t bpf bpf /sys/fs/bpf'
        : `choose a path below ${mounted}, where a bpffs is mounted`,
  });
}

/**
 * {@link checkPin}, and make the pin's directory.
 *
 * @param mode of directories that are made
 *
 * @example
 * ```ts
 * preparePin('/sys/fs/bpf/app/maps/hits');
 * ```
 */
export function preparePin(pin: string, mode = 0o700): void {
  checkPin(pin);
  mkdirSync(path.dirname(path.resolve(pin)), { recursive: true, mode });
}

/**
 * Pin an object under a name that may be taken: it appears there in one step, in place of what was there.
 *
 * @param what the object as messages name it: `link 'uplink'`
 * @throws BpfError NO_BPFFS, PIN_INVALID, PIN_FAILED
 *
 * @example
 * ```ts
 * replacePin(mapFd, "map 'hits'", '/sys/fs/bpf/hits');
 * ```
 */
export function replacePin(fd: number, what: string, pin: string): void {
  preparePin(pin);
  const temporary = path.join(path.dirname(pin), `new__${path.basename(pin)}`);
  unpin(temporary);
  pinObject(fd, what, temporary);
  renameSync(temporary, pin);
}

/**
 * Remove a pin. The object goes too, if nothing else holds it.
 *
 * @returns false when there was none
 * @throws BpfError PIN_INVALID for a path that is not on a bpf file system
 *
 * @example
 * ```ts
 * pinObject(mapFd, "map 'hits'", '/sys/fs/bpf/short-lived');
 * unpin('/sys/fs/bpf/short-lived'); // true
 * unpin('/sys/fs/bpf/short-lived'); // false
 * ```
 */
export function unpin(pin: string): boolean {
  const entry = lstatSync(pin, { throwIfNoEntry: false });
  if (entry === undefined) return false;
  if (fileSystemType(path.dirname(pin)) !== fileSystemMagic.bpffs) {
    throw new BpfError('PIN_INVALID', `${pin} is not on a bpf file system: not removed`, { path: pin });
  }
  unlinkSync(pin);
  return true;
}
