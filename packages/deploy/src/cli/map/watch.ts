import { type BpfMap } from '@nx-bpf/loader';
import pc from 'picocolors';
import { valueText } from '../../report';
import { done, type ObjectOptions } from '../group';
import { type Outcome } from '../request';
import { writeOut } from '../stdout';
import { Interruptible } from '../interruptible';
import { keyWriter, valueWriter, whole } from './json';
import { keyText, openMap, requireKeys } from './open';

/** Options of `nx-bpf map watch`. */
export interface WatchOptions extends ObjectOptions {
  /** Milliseconds. */
  interval: number;
  /** How many changes to wait for; without end, if left out. */
  count?: number;
}

/** An element that came, went or has another value. Text is of the bytes, one character each. */
interface Change {
  readonly key: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** `nx-bpf map watch`: what is different at each look from the one before. What changes back in between is not seen. */
export async function watch(target: string, options: WatchOptions): Promise<Outcome> {
  const map = openMap(target, options);
  const interruptible = new Interruptible();
  try {
    requireKeys(map, target);
    const render = options.json ? jsonLine(map) : textLine(map);
    let left = options.count ?? Infinity;
    let before = look(map);
    process.stderr.write(`${map.name}: ${before.size} elements; watching, Ctrl-C ends it\n`);
    while (left > 0 && (await interruptible.wait(options.interval))) {
      const after = look(map);
      const seen = changes(before, after).slice(0, left);
      left -= seen.length;
      before = after;
      if (!(await writeOut(seen.map((change) => `${render(change)}\n`).join('')))) break;
    }
  } finally {
    interruptible.done();
    map.close();
  }
  return done;
}

/** Bytes as text, which a Map takes for a key: an element has no identity of its own. */
function look(map: BpfMap): Map<string, string> {
  const seen = new Map<string, string>();
  for (const [key, value] of map.raw.entries()) seen.set(binary(key), binary(value));
  return seen;
}

function binary(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}

function changes(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): Change[] {
  const all = new Set([...before.keys(), ...after.keys()]);
  return [...all]
    .map((key) => ({ key, before: before.get(key), after: after.get(key) }))
    .filter((change) => change.before !== change.after)
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

function textLine(map: BpfMap): (change: Change) => string {
  const value = (text: string): string => valueText(map.decodeValue(bytesOf(text)));
  return ({ key, before, after }) => {
    const bytes = bytesOf(key);
    const name = keyText(map, map.decodeKey(bytes), bytes);
    if (after === undefined) return `${pc.red('-')} ${name}`;
    if (before === undefined) return `${pc.green('+')} ${name}  ${value(after)}`;
    return `${pc.yellow('~')} ${name}  ${value(before)} -> ${value(after)}`;
  };
}

function jsonLine(map: BpfMap): (change: Change) => string {
  const writeKey = keyWriter(map);
  const writeValue = valueWriter(map);
  return ({ key, before, after }) => {
    const change = after === undefined ? 'removed' : before === undefined ? 'added' : 'changed';
    const parts = [`"change":"${change}"`, `"key":${whole(writeKey, bytesOf(key))}`];
    if (after !== undefined) parts.push(`"value":${whole(writeValue, bytesOf(after))}`);
    if (before !== undefined) parts.push(`"previous":${whole(writeValue, bytesOf(before))}`);
    return `{${parts.join(',')}}`;
  };
}
