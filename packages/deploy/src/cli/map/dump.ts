import { type BpfMap } from '@nx-bpf/loader';
import { valueText } from '../../report';
import { done, type ObjectOptions } from '../group';
import { type Outcome } from '../request';
import { writeOut } from '../stdout';
import { keyWriter, valueWriter } from './json';
import { keyText, openMap, requireKeys } from './open';

/** How much text is gathered before it is written. */
const chunkLength = 1 << 18;

/**
 * `nx-bpf map dump`: every element, streamed. With `--json` a list of `{"key":...,"value":...}`, an element a line;
 * values of a per-CPU map are lists, one for each possible CPU.
 */
export async function dump(target: string, options: ObjectOptions): Promise<Outcome> {
  const map = openMap(target, options);
  try {
    requireKeys(map, target);
    await write(options.json ? jsonLines(map) : textLines(map));
  } finally {
    map.close();
  }
  return done;
}

async function write(pieces: Iterable<string>): Promise<void> {
  let text = '';
  for (const piece of pieces) {
    text += piece;
    if (text.length < chunkLength) continue;
    if (!(await writeOut(text))) return;
    text = '';
  }
  await writeOut(text);
}

function* textLines(map: BpfMap): Generator<string> {
  for (const [bytes, value] of map.raw.entries()) {
    yield `${keyText(map, map.decodeKey(bytes), bytes)}  ${valueText(map.decodeValue(value))}\n`;
  }
}

function* jsonLines(map: BpfMap): Generator<string> {
  const writeKey = keyWriter(map);
  const writeValue = valueWriter(map);
  const { keySize } = map;
  const { valueSize } = map.raw;
  let separator = '[';
  for (const { count, keys, values } of map.raw.chunks()) {
    const keyView = new DataView(keys.buffer, keys.byteOffset, keys.byteLength);
    const valueView = new DataView(values.buffer, values.byteOffset, values.byteLength);
    let text = '';
    for (let i = 0; i < count; i++) {
      const key = writeKey(keys, keyView, i * keySize);
      const value = writeValue(values, valueView, i * valueSize);
      text += `${separator}{"key":${key},"value":${value}}`;
      separator = ',\n';
    }
    yield text;
  }
  yield separator === '[' ? '[]\n' : ']\n';
}
