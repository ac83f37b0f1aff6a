import { type Btf } from './btf';
import { BtfKind } from './kinds';
import { declare, deeper, defineRecord, recordWord, type CContext } from './print-c-declare';
import { defineEnum } from './print-c-enum';
import { CLayouts } from './print-c-layout';
import { CNames } from './print-c-names';

export interface PrintCOptions {
  /** Include guard; `__VMLINUX_H__` by default, which libbpf's bpf_tracing.h looks for. */
  readonly guard?: string | undefined;
  /** Make every access to a struct of the header a CO-RE relocation; true by default. */
  readonly preserveAccessIndex?: boolean | undefined;
  /** Print only these types, and what they need; all, if left out. */
  readonly types?: readonly number[] | undefined;
}

/**
 * A C header with all types of a BTF: `vmlinux.h`. Every struct gets the size, and every member the offset, that BTF
 * says, by padding and `packed` where the compiler would choose otherwise; enums keep size and values. Types that share
 * a name are told apart by a suffix `___2`. Functions, variables and type tags are left out.
 *
 * @throws BpfError BTF_MALFORMED for types whose text would be out of proportion to the BTF
 * @returns C for clang's BPF target, in an order that needs no other header; the same for the same BTF
 *
 * @example
 * ```ts
 * writeFileSync('vmlinux.h', printC(btf));
 * ```
 */
export function printC(btf: Btf, options: PrintCOptions = {}): string {
  const { guard = '__VMLINUX_H__', preserveAccessIndex = true } = options;
  const context: CContext = {
    btf,
    names: new CNames(btf),
    layouts: new CLayouts(btf),
    written: new Uint8Array(btf.endId),
    // A kernel's BTF takes some four for each of its types.
    left: 1000 + 100 * btf.endId,
    depth: 0,
  };
  const parts = [`#ifndef ${guard}\n#define ${guard}\n`];
  // Without a struct in between clang warns of an unused attribute.
  const attribute = preserveAccessIndex && hasRecords(btf);
  if (attribute) {
    parts.push(
      '#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n' +
        '#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)\n' +
        '#endif\n',
    );
  }
  if (options.types === undefined) {
    printForwards(context, parts);
    printNamedEnums(context, parts);
    new Printer(context, parts).printAll();
    printAnonymousEnums(context, parts);
  } else {
    parts.push(...printOnly(context, options.types));
  }
  if (attribute) {
    parts.push('#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n#pragma clang attribute pop\n#endif\n');
  }
  parts.push(`#endif /* ${guard} */\n`);
  return parts.join('\n');
}

function hasRecords(btf: Btf): boolean {
  for (let id = 1; id < btf.endId; id++) {
    if (btf.kind(id) === BtfKind.STRUCT || btf.kind(id) === BtfKind.UNION) return true;
  }
  return false;
}

/** All tags first: a pointer in a parameter list would otherwise declare a struct of its own. */
function printForwards(
  { btf, names }: CContext,
  parts: string[],
  wanted: (name: string) => boolean = () => true,
): void {
  const lines = new Set<string>();
  for (let id = 1; id < btf.endId; id++) {
    const kind = btf.kind(id);
    if (!wanted(names.of(id))) continue;
    if (kind === BtfKind.FWD) {
      lines.add(`${btf.kindFlag(id) ? 'union' : 'struct'} ${names.of(id)};`);
    } else if ((kind === BtfKind.STRUCT || kind === BtfKind.UNION) && names.of(id) !== '') {
      lines.add(`${recordWord(kind)} ${names.of(id)};`);
    }
  }
  parts.push(`${[...lines].join('\n')}\n`);
}

/** Some types with what they need: of all forward declarations and enums those that their text mentions. */
function printOnly(context: CContext, types: readonly number[]): string[] {
  const printed: string[] = [];
  const printer = new Printer(context, printed);
  for (const id of types) printer.print(id);
  const text = printed.join('\n');
  const mentioned = new Set(
    Array.from(text.matchAll(/\b(?:struct|union|enum) (\w+)/g), (match) => match[1]!),
  );
  const forwards: string[] = [];
  printForwards(context, forwards, (name) => mentioned.has(name));
  printNamedEnums(context, forwards, (id) => types.includes(id) || mentioned.has(context.names.of(id)));
  return [...forwards, ...printed].filter((part) => part !== '\n');
}

function printNamedEnums(
  context: CContext,
  parts: string[],
  wanted: (id: number) => boolean = () => true,
): void {
  forEachEnum(context.btf, (id) => {
    if (context.names.of(id) !== '' && wanted(id))
      parts.push(`${defineEnum(context.btf, context.names, id, '')};\n`);
  });
}

/** Constants that no type refers to: what C writes as `enum { ... };`. */
function printAnonymousEnums(context: CContext, parts: string[]): void {
  forEachEnum(context.btf, (id) => {
    const named = context.names.of(id) !== '';
    if (named || context.written[id] === 1 || context.btf.vlen(id) === 0) return;
    const text = `${defineEnum(context.btf, context.names, id, '')};\n`;
    parts.push(context.btf.enumName(id, 0) === 'false' ? beforeC23(text) : text);
  });
}

/** `bool`, `true` and `false` are keywords from C23 on. */
function beforeC23(text: string): string {
  return `#if !defined(__STDC_VERSION__) || __STDC_VERSION__ < 202311L\n${text}#endif\n`;
}

function forEachEnum(btf: Btf, visit: (id: number) => void): void {
  for (let id = 1; id < btf.endId; id++) {
    const kind = btf.kind(id);
    if (kind === BtfKind.ENUM || kind === BtfKind.ENUM64) visit(id);
  }
}

/** Prints structs, unions and typedefs, each after what it needs. */
class Printer {
  private readonly context: CContext;
  private readonly parts: string[];
  /** By id: printed, or being printed. */
  private readonly started: Uint8Array;

  constructor(context: CContext, parts: string[]) {
    this.context = context;
    this.parts = parts;
    this.started = new Uint8Array(context.btf.endId);
  }

  printAll(): void {
    const { btf } = this.context;
    for (let id = 1; id < btf.endId; id++) this.print(id);
  }

  /** One type after what it needs; nothing for a kind that C does not define by itself. */
  print(id: number): void {
    const kind = this.context.btf.kind(id);
    if (kind === BtfKind.TYPEDEF) this.typedef(id);
    else if (kind === BtfKind.STRUCT || kind === BtfKind.UNION) this.record(id);
  }

  private typedef(id: number): void {
    const { btf, names } = this.context;
    if (this.started[id] === 1) return;
    this.started[id] = 1;
    this.require(btf.type(id), false);
    const text = `typedef ${declare(this.context, btf.type(id), names.of(id), '')};\n`;
    this.parts.push(names.of(id) === 'bool' ? beforeC23(text) : text);
  }

  private record(id: number): void {
    if (this.started[id] === 1 || this.context.names.of(id) === '') return;
    this.started[id] = 1;
    this.requireMembers(id);
    this.parts.push(`${defineRecord(this.context, id, '')};\n`);
  }

  private requireMembers(id: number): void {
    const { btf } = this.context;
    for (let i = 0; i < btf.vlen(id); i++) this.require(btf.memberType(id, i), true);
  }

  /**
   * Prints what has to stand before a declaration that mentions a type.
   *
   * @param complete the declaration needs the type's size, not only its name
   */
  private require(id: number, complete: boolean): void {
    deeper(this.context, () => this.requireType(id, complete));
  }

  private requireType(id: number, complete: boolean): void {
    const { btf, names } = this.context;
    switch (btf.kind(id)) {
      case BtfKind.CONST:
      case BtfKind.VOLATILE:
      case BtfKind.RESTRICT:
      case BtfKind.TYPE_TAG:
        return this.require(btf.type(id), complete);
      case BtfKind.PTR:
        return this.require(btf.type(id), false);
      case BtfKind.ARRAY:
        return this.require(btf.arrayElement(id), true);
      case BtfKind.FUNC_PROTO:
        this.require(btf.type(id), false);
        for (let i = 0; i < btf.vlen(id); i++) this.require(btf.paramType(id, i), false);
        return;
      case BtfKind.TYPEDEF:
        this.typedef(id);
        if (complete) this.require(btf.type(id), true);
        return;
      case BtfKind.STRUCT:
      case BtfKind.UNION:
        if (names.of(id) !== '') {
          if (complete) this.record(id);
        } else if (this.started[id] === 0) {
          this.started[id] = 1;
          this.requireMembers(id);
        }
        return;
      default:
        return;
    }
  }
}
