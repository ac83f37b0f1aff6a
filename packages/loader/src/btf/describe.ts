import { type Btf } from './btf';
import { BtfKind } from './kinds';
import { MAX_NESTING } from './nesting';

const keywords: Partial<Record<BtfKind, string>> = {
  [BtfKind.STRUCT]: 'struct',
  [BtfKind.UNION]: 'union',
  [BtfKind.ENUM]: 'enum',
  [BtfKind.ENUM64]: 'enum',
  [BtfKind.CONST]: 'const',
  [BtfKind.VOLATILE]: 'volatile',
  [BtfKind.RESTRICT]: 'restrict',
};

/**
 * A type as C would write it in a cast, for messages: parameters of functions are left out, and nothing it contains
 * is shown. Functions, variables and sections are shown with their names.
 */
export function describeType(btf: Btf, id: number): string {
  return declare(btf, id, '', 0);
}

/** C declares inside out: `declarator` is what stands where a variable's name would. */
function declare(btf: Btf, id: number, declarator: string, depth: number): string {
  if (depth > MAX_NESTING) return `...${declarator}`;
  const kind = btf.kind(id);
  const next = (type: number, text: string): string => declare(btf, type, text, depth + 1);
  switch (kind) {
    case BtfKind.VOID:
      return join('void', declarator);
    case BtfKind.INT:
    case BtfKind.FLOAT:
    case BtfKind.TYPEDEF:
    case BtfKind.DATASEC:
      return join(btf.name(id), declarator);
    case BtfKind.STRUCT:
    case BtfKind.UNION:
    case BtfKind.ENUM:
    case BtfKind.ENUM64:
      return join(`${keywords[kind]!} ${btf.name(id) || '(anonymous)'}`, declarator);
    case BtfKind.FWD:
      return join(`${btf.kindFlag(id) ? 'union' : 'struct'} ${btf.name(id)}`, declarator);
    case BtfKind.PTR:
      return next(btf.type(id), `*${declarator}`);
    case BtfKind.CONST:
    case BtfKind.VOLATILE:
    case BtfKind.RESTRICT:
      // On a pointer the qualifier stands behind the star, on anything else before the type.
      return btf.kind(btf.type(id)) === BtfKind.PTR
        ? next(btf.type(id), join(keywords[kind]!, declarator))
        : `${keywords[kind]!} ${next(btf.type(id), declarator)}`;
    case BtfKind.TYPE_TAG:
    case BtfKind.DECL_TAG:
      return next(btf.type(id), declarator);
    case BtfKind.ARRAY:
      return next(btf.arrayElement(id), `${grouped(declarator)}[${btf.arrayLength(id) || ''}]`);
    case BtfKind.FUNC_PROTO:
      return next(btf.type(id), `${grouped(declarator)}(...)`);
    case BtfKind.FUNC:
    case BtfKind.VAR:
      return next(btf.type(id), btf.name(id));
  }
}

/** Arrays and functions bind tighter than the star. */
function grouped(declarator: string): string {
  return declarator.startsWith('*') ? `(${declarator})` : declarator;
}

function join(type: string, declarator: string): string {
  return declarator === '' || declarator.startsWith('[') ? type + declarator : `${type} ${declarator}`;
}
