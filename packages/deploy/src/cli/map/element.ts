import { BpfError, closeFd, type BpfMap, possibleCpus, type UpdateMode } from '@nx-bpf/loader';
import { nearest } from '@nx-bpf/loader/errors';
import { plain, valueJson, valueText } from '../../report';
import { find } from '../find';
import { done, type ObjectOptions } from '../group';
import { type Outcome } from '../request';
import { openMap } from './open';
import { keyOf, valueOf } from './typed-text';

/** `nx-bpf map lookup`: the value of a key, or of a map without keys what comes next. */
export function lookup(target: string, key: string | undefined, options: ObjectOptions): Outcome {
  return withMap(target, options, (map) => {
    const value = map.keySize === 0 ? map.peek() : map.lookup(needed(map, key));
    if (value === undefined) throw missing(map, key);
    if (options.json) print(valueJson(value));
    else if (map.perCpu && Array.isArray(value))
      value.forEach((one, cpu) => print(`cpu ${cpu}: ${valueText(one)}`));
    else print(valueText(value));
    return plain(value);
  });
}

/** `nx-bpf map update` */
export function update(
  target: string,
  key: string,
  value: string | undefined,
  options: ObjectOptions & { mode: string },
): Outcome {
  const mode = modeOf(options.mode);
  return withMap(target, options, (map) => {
    const cpus = map.perCpu ? possibleCpus() : undefined;
    if (map.keySize === 0) {
      if (value !== undefined) throw noKeys(map);
      map.push(valueOf(map, key, undefined));
    } else {
      if (value === undefined) {
        throw new BpfError('USAGE', `map '${map.name}': an update takes a key and a value`, {
          map: map.name,
        });
      }
      const bytes = keyOf(map, key);
      if (map.holds === 'program' || map.holds === 'map') {
        const { fd } = find(map.holds, value, options);
        try {
          map.update(bytes, { fd }, mode);
        } finally {
          closeFd(fd);
        }
      } else map.update(bytes, valueOf(map, value, cpus), mode);
    }
    if (options.json) print(JSON.stringify({ updated: true }));
    return { updated: true };
  });
}

/** `nx-bpf map delete`: true if there was one. What a queue gave is printed. */
export function remove(target: string, key: string | undefined, options: ObjectOptions): Outcome {
  return withMap(target, options, (map) => {
    if (map.keySize === 0) {
      if (key !== undefined) throw noKeys(map);
      const value = map.pop();
      if (value === undefined) throw missing(map, undefined);
      print(options.json ? valueJson(value) : valueText(value));
      return plain(value);
    }
    if (!map.delete(needed(map, key))) throw missing(map, key);
    if (options.json) print(JSON.stringify({ deleted: true }));
    return { deleted: true };
  });
}

function withMap(target: string, options: ObjectOptions, work: (map: BpfMap) => unknown): Outcome {
  const map = openMap(target, options);
  try {
    return { ...done, result: work(map) };
  } finally {
    map.close();
  }
}

function needed(map: BpfMap, key: string | undefined): unknown {
  if (key !== undefined) return keyOf(map, key);
  throw new BpfError('USAGE', `map '${map.name}': name a key`, { map: map.name });
}

const modes: readonly UpdateMode[] = ['any', 'new', 'existing'];

function modeOf(text: string): UpdateMode {
  const mode = modes.find((known) => known === text);
  if (mode !== undefined) return mode;
  const [near] = nearest(text, modes);
  throw new BpfError('USAGE', `--mode ${text}`, {
    expected: modes.join(', '),
    hint: near === undefined ? undefined : `did you mean ${near}?`,
  });
}

function noKeys(map: BpfMap): BpfError {
  return new BpfError('USAGE', `map '${map.name}' has no keys`, { map: map.name, hint: 'leave the key out' });
}

/** A script wants to know by the exit status. */
function missing(map: BpfMap, key: string | undefined): BpfError {
  return new BpfError(
    'KEY_NOT_FOUND',
    key === undefined ? `map '${map.name}' is empty` : `map '${map.name}' has no element with the key ${key}`,
    { map: map.name, symbol: key },
  );
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
