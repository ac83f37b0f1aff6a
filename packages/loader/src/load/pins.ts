import { lstatSync, mkdirSync, renameSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { BpfError } from '../errors';
import { fileSystemMagic, fileSystemType, findMount, pinObject } from '../kernel';

/**
 * Check a path for a pin before the kernel answers with a bare EPERM or EINVAL, and make its directory.
 *
 * @param mode of directories that are made
 * @throws BpfError PIN_INVALID for a name that bpffs refuses; NO_BPFFS
 *
 * @example
 * ```ts
 * preparePin('/sys/fs/bpf/app/maps/hits');
 * ```
 */
export function preparePin(pin: string, mode = 0o700): void {
  const name = path.basename(pin);
  if (name.includes('.')) {
    throw new BpfError('PIN_INVALID', `pin ${pin}`, {
      path: pin,
      found: `the name '${name}'`,
      expected: 'a name without a dot, which bpffs keeps for itself',
      hint: `call it '${name.replaceAll('.', '_')}'`,
    });
  }
  const directory = path.dirname(path.resolve(pin));
  const existing = nearestExisting(directory);
  if (fileSystemType(existing) !== fileSystemMagic.bpffs) {
    const mounted = findMount('bpf');
    throw new BpfError('NO_BPFFS', `pin ${pin}: ${existing} is not on a bpf file system`, {
      path: pin,
      hint:
        mounted === undefined
          ? 'no bpffs is mounted: mount -t bpf bpf /sys/fs/bpf'
          : `choose a path below ${mounted}, where a bpffs is mounted`,
    });
  }
  mkdirSync(directory, { recursive: true, mode });
}

function nearestExisting(directory: string): string {
  let candidate = directory;
  while (fileSystemType(candidate) === undefined) candidate = path.dirname(candidate);
  return candidate;
}

/**
 * Pin an object under a name that may be taken: it appears there in one step, in place of what was there.
 *
 * @param what the object as messages name it: `link 'uplink'`
 * @throws BpfError NO_BPFFS, PIN_INVALID, PIN_FAILED
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
