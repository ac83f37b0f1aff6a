import { decodeText } from '../bytes';
import { type Reader } from './read-scalar';

/** Texts seen last, by a hash of their bytes: names of processes and the like come again and again. */
const recent = new Array<string>(256).fill('');

/** Longer texts are neither hashed nor kept. */
const longestKept = 64;

/**
 * A reader of text up to its NUL, or to the end of the array; it gives undefined where the bytes are not UTF-8.
 *
 * @param at bytes from the base
 * @param length bytes of the array
 */
export function textReader(at: number, length: number): Reader<string | undefined> {
  return (view, base) => {
    const start = base + at;
    let hash = 0;
    let end = 0;
    let high = 0;
    for (; end < length; end++) {
      const byte = view.getUint8(start + end);
      if (byte === 0) break;
      high |= byte;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    if (high >= 0x80) return utf8(view, start, end);
    if (end > longestKept) return ascii(view, start, end);
    const known = recent[hash & 0xff]!;
    if (isText(known, view, start, end)) return known;
    return (recent[hash & 0xff] = ascii(view, start, end));
  };
}

function isText(text: string, view: DataView, start: number, length: number): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) !== view.getUint8(start + i)) return false;
  return true;
}

function ascii(view: DataView, start: number, length: number): string {
  return Buffer.from(view.buffer, view.byteOffset + start, length).toString('latin1');
}

function utf8(view: DataView, start: number, length: number): string | undefined {
  const text = decodeText(new Uint8Array(view.buffer, view.byteOffset + start, length), 0, length);
  return text.includes('\ufffd') ? undefined : text;
}
