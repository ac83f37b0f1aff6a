import { errorCodes, type ErrorCode } from './codes';

/** Where an error is and what was found: every field is optional, and means the same in every error. */
export interface ErrorFields {
  /** Name or path of the object file. */
  object?: string | undefined;
  /** ELF section, as named in the file: `xdp`, `.maps`, `.BTF`. */
  section?: string | undefined;
  /** Offset in bytes, into the section if one is named, else into the file. */
  offset?: number | undefined;
  program?: string | undefined;
  map?: string | undefined;
  /** Index of an instruction (8-byte slots) in its program. */
  insn?: number | undefined;
  /** Symbol, type, constant or other name that the error is about. */
  symbol?: string | undefined;
  /** Source file and 1-based line and column, from line info or from a manifest. */
  file?: string | undefined;
  line?: number | undefined;
  column?: number | undefined;
  /** Name of the errno, such as `EACCES`. */
  errno?: string | undefined;
  /** The verifier's log, a line an element. */
  log?: readonly string[] | undefined;
  /** Path of a pin, or of another file that is not the object. */
  path?: string | undefined;
  /** What was found, what was expected, and what to do about it: parts of the message. */
  found?: string | undefined;
  expected?: string | undefined;
  hint?: string | undefined;
  /** The single problems of an error that collects several (a manifest, an incompatible map). */
  problems?: readonly string[] | undefined;
}

/**
 * The one error of the project. `message` is complete by itself: subject, what was found, what was expected,
 * what to do. `code` is stable, `fields` say the same to a program, `cause` is the error underneath.
 *
 * @example
 * ```ts
 * const error = new BpfError('MAP_INVALID', "map 'hits': max_entries is 0", { map: 'hits', hint: 'set max_entries' });
 * error.message; // "map 'hits': max_entries is 0; set max_entries"
 * error.exitStatus; // 5
 * ```
 */
export class BpfError extends Error {
  override readonly name = 'BpfError';
  readonly code: ErrorCode;
  readonly fields: Readonly<ErrorFields>;

  constructor(code: ErrorCode, what: string, fields: ErrorFields = {}, cause?: unknown) {
    super(compose(what, fields), cause === undefined ? undefined : { cause });
    this.code = code;
    this.fields = fields;
  }

  /** The exit status of a command that ends with this error. */
  get exitStatus(): number {
    return errorCodes[this.code];
  }

  /** The same error with more of its context known; a field that is already set stays. */
  with(fields: ErrorFields): BpfError {
    const merged: ErrorFields = { ...fields };
    for (const [key, value] of Object.entries(this.fields)) {
      if (value !== undefined) (merged as Record<string, unknown>)[key] = value;
    }
    const error = new BpfError(this.code, '', merged, this.cause);
    error.message = this.message;
    if (this.stack !== undefined) error.stack = this.stack;
    return error;
  }
}

function compose(what: string, fields: ErrorFields): string {
  let text = what;
  if (fields.found !== undefined) text += `: found ${fields.found}`;
  if (fields.expected !== undefined)
    text += `${fields.found === undefined ? ':' : ','} expected ${fields.expected}`;
  // After several lines (what a compiler says, ...) it would look like a part of the last one.
  if (fields.hint !== undefined) text += `${text.includes('\n') ? '\n' : '; '}${fields.hint}`;
  return text;
}
