import { findFunction } from '../elf';
import { BpfError } from '../errors';
import { findBinary } from './find-binary';
import { type AttachableProgram } from './program';
import { readBinary } from './read-binary';

/** A place in a binary as a section name or a caller says it: `libc.so.6:malloc+0x10`. */
export interface UserPlace {
  readonly binary?: string | undefined;
  /** With its version, if one was named: `fork@@GLIBC_2.34`. */
  readonly function?: string | undefined;
  /** Bytes from the function's start; without a function from that of the file. */
  readonly offset?: number | undefined;
}

/**
 * Split `BINARY:FUNCTION`, `BINARY:FUNCTION+OFFSET` or `BINARY:OFFSET`; offsets in decimal or as 0x...
 *
 * @throws BpfError ATTACH_FAILED when it is none of these
 */
export function parseUserPlace(text: string): UserPlace {
  const [binary, place] = splitUserTarget(text) ?? [];
  if (binary !== undefined && place !== undefined) {
    const whole = /^(?:(.+)\+)?(0x[0-9a-f]+|\d+)$/i.exec(place);
    if (whole === null) return { binary, function: place };
    const offset = Number(whole[2]);
    if (Number.isSafeInteger(offset)) return { binary, function: whole[1], offset };
  }
  throw new BpfError('ATTACH_FAILED', `'${text}' does not name a place in a binary`, {
    symbol: text,
    expected: 'BINARY:FUNCTION, BINARY:FUNCTION+OFFSET or BINARY:OFFSET, such as libc.so.6:malloc',
  });
}

/** The binary, and what follows the first colon; undefined where one of them is missing. */
export function splitUserTarget(text: string): readonly [binary: string, rest: string] | undefined {
  const colon = text.indexOf(':');
  return colon > 0 && colon < text.length - 1 ? [text.slice(0, colon), text.slice(colon + 1)] : undefined;
}

/** Where a uprobe is set. */
export interface ResolvedPlace {
  readonly file: string;
  /** In the file. */
  readonly offset: number;
  /** For people: `/usr/lib/libc.so.6:malloc+0x10`. */
  readonly text: string;
}

/**
 * The place that options and, where they leave it out, the section name of a program say.
 *
 * @throws BpfError ATTACH_FAILED when a part is missing, BINARY_NOT_FOUND, BINARY_UNSUPPORTED, ELF_MALFORMED,
 *   FUNCTION_NOT_FOUND, FUNCTION_AMBIGUOUS
 */
export function resolvePlace(
  program: AttachableProgram,
  hook: string,
  given: UserPlace & { readonly pid?: number | undefined },
): ResolvedPlace {
  const said = program.target === undefined ? {} : parseUserPlace(program.target);
  const binary = given.binary ?? said.binary;
  const inside = given.function === undefined && given.offset === undefined ? said : given;
  if (binary === undefined || (inside.function === undefined && inside.offset === undefined)) {
    throw new BpfError('ATTACH_FAILED', `program '${program.name}': attach to ${hook}: no place is given`, {
      program: program.name,
      expected: 'a binary, and a function or an offset in it',
      hint: `or name it in the program's section: ${hook}/BINARY:FUNCTION`,
    });
  }
  const file = findBinary(binary, { pid: given.pid });
  const { function: name, offset = 0 } = inside;
  checkOffset(program, hook, offset);
  if (name === undefined) return { file, offset, text: `${file}:${hex(offset)}` };
  const start = readBinary(file, (elf) => findFunction(elf, name)).offset;
  return {
    file,
    offset: start + offset,
    text: `${file}:${name}${offset === 0 ? '' : `+${hex(offset)}`}`,
  };
}

/** @throws BpfError ATTACH_FAILED for what is no place in a file */
export function checkOffset(
  program: AttachableProgram,
  hook: string,
  offset: number,
  most = Number.MAX_SAFE_INTEGER,
): void {
  if (Number.isInteger(offset) && offset >= 0 && offset <= most) return;
  throw new BpfError(
    'ATTACH_FAILED',
    `program '${program.name}': attach to ${hook}: ${offset} is no offset`,
    {
      program: program.name,
      expected: `a number of bytes up to ${most}`,
    },
  );
}

export function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
