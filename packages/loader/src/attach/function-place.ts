import { BpfError } from '../errors';

/** A place in a function of the kernel: `do_unlinkat+0x10`. */
export interface FunctionPlace {
  /** With `MODULE:` before it, if one was named. */
  readonly name: string;
  /** Bytes from the function's start. */
  readonly offset: number;
}

/**
 * Split `FUNCTION`, `FUNCTION+OFFSET` or `MODULE:FUNCTION+OFFSET`; the offset as C writes numbers (`16`, `0x10`, `020`).
 *
 * @throws BpfError ATTACH_FAILED when it is none of these
 */
export function parseFunctionPlace(text: string): FunctionPlace {
  const match = /^((?:[\w-]+:)?[\w.]+)(?:\+(0x[0-9a-f]+|\d+))?$/i.exec(text);
  const offset = match === null ? undefined : cNumber(match[2] ?? '0');
  if (match !== null && offset !== undefined) return { name: match[1]!, offset };
  throw new BpfError('ATTACH_FAILED', `'${text}' does not name a place in the kernel`, {
    symbol: text,
    expected: 'FUNCTION or FUNCTION+OFFSET, such as do_unlinkat or do_unlinkat+0x10',
  });
}

/** As messages show it. */
export function functionPlaceText({ name, offset }: FunctionPlace): string {
  return offset === 0 ? name : `${name}+0x${offset.toString(16)}`;
}

/** undefined for what is no number, such as `08`, and for one that no offset reaches. */
function cNumber(text: string): number | undefined {
  const octal = /^0\d+$/.test(text);
  if (octal && /[89]/.test(text)) return undefined;
  const value = octal ? parseInt(text, 8) : Number(text);
  return value <= 0xffffffff ? value : undefined;
}
