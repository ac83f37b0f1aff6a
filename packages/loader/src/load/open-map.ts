import { BpfError } from '../errors';
import { duplicateFd, Fd, mapInfo, objectGet, objectKind, Errno, failure } from '../kernel';
import { type MapSpec } from '../object';
import { incompatible, mapDifferences } from './compatible';
import { hasConstants } from './contents';

/**
 * The map that a caller handed in, in place of a definition.
 *
 * @returns an fd of our own
 * @throws BpfError MAP_INCOMPATIBLE with every difference
 */
export function givenMap(spec: MapSpec, number: number): Fd {
  return checked(spec, new Fd(duplicateFd(number), `map '${spec.name}'`), 'the map handed in');
}

/**
 * The map pinned at a path, in place of a definition.
 *
 * @returns undefined if nothing is pinned there
 * @throws BpfError MAP_INCOMPATIBLE with every difference; PIN_INVALID for a pin of something else
 */
export function pinnedMap(spec: MapSpec, path: string): Fd | undefined {
  const number = objectGet(path);
  if (number === -Errno.ENOENT) return undefined;
  if (number < 0) {
    throw failure(`map '${spec.name}': pin ${path}`, number, { code: 'PIN_INVALID', map: spec.name, path });
  }
  const fd = new Fd(number, `map '${spec.name}'`);
  const kind = objectKind(number);
  if (kind !== 'map') {
    fd.close();
    throw new BpfError('PIN_INVALID', `map '${spec.name}': pin ${path}`, {
      map: spec.name,
      path,
      found: `a ${kind ?? 'file of another kind'}`,
      expected: 'a map',
      hint: 'pin the map under another name, or remove what is there',
    });
  }
  return checked(spec, fd, `what is pinned at ${path}`, path);
}

function checked(spec: MapSpec, fd: Fd, where: string, path?: string): Fd {
  try {
    const problems = mapDifferences(spec, mapInfo(fd.number));
    if (problems.length === 0 && !hasConstants(spec, fd)) {
      problems.push(`the constants of ${spec.section} have other values`);
    }
    if (problems.length > 0) throw incompatible(spec, where, problems, path);
    return fd;
  } catch (error) {
    fd.close();
    throw error;
  }
}
