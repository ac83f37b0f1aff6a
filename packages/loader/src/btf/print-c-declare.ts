import { BpfError } from '../errors';
import { type Btf } from './btf';
import { BtfKind } from './kinds';
import { MAX_NESTING } from './nesting';
import { arithmeticName } from './print-c-arithmetic';
import { defineEnum } from './print-c-enum';
import { bitfieldWidth, naturalOffset, padding, roundUp, type CLayouts } from './print-c-layout';
import { type CNames } from './print-c-names';

/** What the parts of a header share. */
export interface CContext {
  readonly btf: Btf;
  readonly names: CNames;
  readonly layouts: CLayouts;
  /** By id: anonymous enums that have been written inside another type. */
  readonly written: Uint8Array;
  /** How many more types and lines of padding may be written: what has no name is written wherever it is used. */
  left: number;
  /** How deep in a type the writer is. */
  depth: number;
}

/** What has no name is written inside what uses it, and through pointers it may use itself. */
const MOST_DEPTH = 2 * MAX_NESTING;

/** Runs what goes one type deeper. */
export function deeper<T>(context: CContext, write: () => T): T {
  if (context.depth === MOST_DEPTH)
    throw outOfProportion(`types are built up of more than ${MOST_DEPTH} others`);
  context.depth++;
  const result = write();
  context.depth--;
  return result;
}

/** Takes from what may still be written: the text stays in proportion to the BTF. */
function spend(context: CContext, count: number, why: string): void {
  context.left -= count;
  if (context.left < 0) throw outOfProportion(`${why} to be written as C`);
}

function outOfProportion(why: string): BpfError {
  return new BpfError('BTF_MALFORMED', `BTF: ${why}`, { section: '.BTF' });
}

/**
 * A declaration in C, which declares inside out.
 *
 * @param declarator what stands where a variable's name would: `name`, `*name`, `(*name)(int)`
 * @param indent of the line it will stand on, for what is defined inside
 */
export function declare(context: CContext, id: number, declarator: string, indent: string): string {
  return deeper(context, () => declareType(context, id, declarator, indent));
}

function declareType(context: CContext, id: number, declarator: string, indent: string): string {
  const { btf, names } = context;
  const next = (type: number, inner: string): string => declare(context, type, inner, indent);
  spend(context, 1, 'types without a name contain each other too often');
  const kind = btf.kind(id);
  switch (kind) {
    case BtfKind.VOID:
      return join('void', declarator);
    case BtfKind.TYPEDEF:
      return join(names.of(id), declarator);
    case BtfKind.STRUCT:
    case BtfKind.UNION: {
      const name = names.of(id);
      return join(
        name === '' ? defineRecord(context, id, indent) : `${recordWord(kind)} ${name}`,
        declarator,
      );
    }
    case BtfKind.FWD:
      return join(`${btf.kindFlag(id) ? 'union' : 'struct'} ${names.of(id)}`, declarator);
    case BtfKind.ENUM:
    case BtfKind.ENUM64: {
      const name = names.of(id);
      return join(name === '' ? anonymousEnum(context, id, indent) : `enum ${name}`, declarator);
    }
    case BtfKind.PTR:
      return next(btf.type(id), `*${declarator}`);
    case BtfKind.CONST:
      return qualified(context, id, 'const', declarator, indent);
    case BtfKind.VOLATILE:
      return qualified(context, id, 'volatile', declarator, indent);
    case BtfKind.RESTRICT:
      // Only pointers can be restrict, and clang wants to see one: the word adds nothing to a BPF program.
      return next(btf.type(id), declarator);
    case BtfKind.TYPE_TAG:
      return next(btf.type(id), declarator);
    case BtfKind.ARRAY:
      return next(btf.arrayElement(id), `${grouped(declarator)}[${btf.arrayLength(id)}]`);
    case BtfKind.FUNC_PROTO:
      return next(btf.type(id), `${grouped(declarator)}(${parameters(context, id, indent)})`);
    default:
      return join(arithmeticName(btf, id), declarator);
  }
}

/** On a pointer the qualifier stands behind the star, on anything else before the type. */
function qualified(context: CContext, id: number, word: string, declarator: string, indent: string): string {
  const { btf } = context;
  const type = btf.type(id);
  const kind = btf.kind(type);
  if (kind === BtfKind.PTR) return declare(context, type, join(word, declarator), indent);
  const plain = declare(context, type, declarator, indent);
  // There are no qualified functions in C; BTF has them where a typedef of a function type was qualified. And a const
  // array of const elements is one const in C, which may not be said twice.
  if (kind === BtfKind.FUNC_PROTO || plain.startsWith(`${word} `)) return plain;
  return `${word} ${plain}`;
}

function parameters(context: CContext, id: number, indent: string): string {
  const { btf } = context;
  const count = btf.vlen(id);
  const list: string[] = [];
  for (let i = 0; i < count; i++) {
    const type = btf.paramType(id, i);
    list.push(type === 0 && i === count - 1 ? '...' : declare(context, type, '', indent));
  }
  return list.length === 0 ? 'void' : list.join(', ');
}

/** Arrays and functions bind tighter than the star. */
function grouped(declarator: string): string {
  return declarator.startsWith('*') ? `(${declarator})` : declarator;
}

function join(type: string, declarator: string): string {
  return declarator === '' ? type : `${type} ${declarator}`;
}

export function recordWord(kind: BtfKind): string {
  return kind === BtfKind.UNION ? 'union' : 'struct';
}

/** A struct or union with its members, so padded that each is where BTF has it; without the semicolon. */
export function defineRecord(context: CContext, id: number, indent: string): string {
  const { btf, names, layouts } = context;
  const { alignment, packed } = layouts.of(id);
  const union = btf.kind(id) === BtfKind.UNION;
  const inner = `${indent}\t`;
  let text = join(recordWord(btf.kind(id)), names.of(id));
  text += ' {\n';
  let end = 0;
  for (let i = 0; i < btf.vlen(id); i++) {
    const type = btf.memberType(id, i);
    const offset = btf.memberBitOffset(id, i);
    const width = bitfieldWidth(btf, id, i);
    const position = union ? 0 : end;
    if (naturalOffset(position, layouts.alignment(type), width, packed) !== offset) {
      for (const line of paddingOf(context, position, offset)) text += `${inner}${line}\n`;
    }
    text += `${inner}${declare(context, type, btf.memberName(id, i), inner)}${width > 0 ? `: ${width}` : ''};\n`;
    end = Math.max(end, offset + (width || 8 * sizeOf(btf, type)));
  }
  const size = 8 * btf.size(id);
  if (roundUp(end, 8 * alignment) < size) {
    // What is declared in a union begins at its start: only one member of the whole size makes it larger.
    const lines = union ? [`char ___size_${id}[${size / 8}];`] : paddingOf(context, end, size);
    for (const line of lines) text += `${inner}${line}\n`;
  }
  return `${text}${indent}}${packed ? ' __attribute__((packed))' : ''}`;
}

function paddingOf(context: CContext, from: number, to: number): string[] {
  spend(context, Math.max(0, to - from) / 64, 'a struct has too large a gap between its members');
  return padding(from, to);
}

/** Size of a member; a forward declaration or function, which no struct can contain, counts nothing. */
function sizeOf(btf: Btf, id: number): number {
  const kind = btf.kind(btf.resolve(id));
  const sizeless = kind === BtfKind.FWD || kind === BtfKind.FUNC_PROTO || kind === BtfKind.VOID;
  return sizeless ? 0 : btf.byteSize(id);
}

function anonymousEnum({ btf, names, written }: CContext, id: number, indent: string): string {
  written[id] = 1;
  return defineEnum(btf, names, id, indent);
}
