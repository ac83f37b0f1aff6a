import { BtfKind, IntEncoding, type Btf } from '@nx-bpf/loader';

/**
 * TypeScript of BTF types, as `decodeValue` and `encodeValue` of the loader have their values. Structs, unions and
 * enums with a name become declarations, in the order of their names.
 */
export class TypeWriter {
  /** Declarations by their TypeScript name. */
  private readonly declared = new Map<string, string>();
  /** Names by what was declared: two objects of a project may have the same struct, or another of the same name. */
  private readonly names = new Map<string, string>();

  /** The type of a value, by name where it has one. */
  typeOf(btf: Btf, typeId: number): string {
    const id = btf.resolve(typeId);
    switch (btf.kind(id)) {
      case BtfKind.VAR:
        return this.typeOf(btf, btf.type(id));
      case BtfKind.INT:
        if ((btf.intEncoding(id) & IntEncoding.BOOL) !== 0) return 'boolean';
        return btf.size(id) > 4 ? 'number | bigint' : 'number';
      case BtfKind.FLOAT:
        return 'number';
      case BtfKind.PTR:
        return 'number | bigint';
      case BtfKind.ENUM:
      case BtfKind.ENUM64:
        return this.enumeration(btf, id);
      case BtfKind.ARRAY:
        return this.array(btf, id);
      case BtfKind.STRUCT:
      case BtfKind.UNION:
        return this.record(btf, id);
      default:
        return 'Uint8Array';
    }
  }

  /** Every declaration, sorted by name. */
  declarations(): string[] {
    return [...this.declared]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, text]) => text.replaceAll('\0', name));
  }

  private array(btf: Btf, id: number): string {
    const element = btf.resolve(btf.arrayElement(id));
    const isText =
      btf.kind(element) === BtfKind.INT && btf.name(element) === 'char' && btf.size(element) === 1;
    if (isText) return 'string';
    return `readonly (${this.typeOf(btf, element)})[]`.replace(/^readonly \((\w+)\)/, 'readonly $1');
  }

  private enumeration(btf: Btf, id: number): string {
    const values = Array.from({ length: btf.vlen(id) }, (_, i) => `'${btf.enumName(id, i)}'`);
    // A value without a name stays a number.
    const wide = btf.size(id) > 4 ? 'number | bigint' : 'number';
    const type = [...new Set(values), wide].join(' | ');
    const name = btf.name(id);
    return name === '' ? type : this.declare(name, `/** \`enum ${name}\` */\nexport type \0 = ${type};\n`);
  }

  private record(btf: Btf, id: number): string {
    const name = btf.name(id);
    const word = btf.kind(id) === BtfKind.UNION ? 'union' : 'struct';
    // Types contain themselves only through pointers, which are numbers here.
    const fields = this.fields(btf, id, word === 'union', '  ');
    if (name === '')
      return fields.length === 0 ? 'object' : `{ ${fields.map((line) => line.trim()).join(' ')} }`;
    const body = fields.length === 0 ? '' : `${fields.join('\n')}\n`;
    return this.declare(name, `/** \`${word} ${name}\` */\nexport interface \0 {\n${body}}\n`);
  }

  /** Members of anonymous structs and unions count as those of the one around them; of a union any can be left out. */
  private fields(btf: Btf, id: number, optional: boolean, indent: string): string[] {
    const lines: string[] = [];
    for (let i = 0; i < btf.vlen(id); i++) {
      const name = btf.memberName(id, i);
      const type = btf.memberType(id, i);
      const inner = btf.resolve(type);
      const kind = btf.kind(inner);
      if (name !== '') {
        lines.push(`${indent}readonly ${name}${optional ? '?' : ''}: ${this.typeOf(btf, type)};`);
      } else if (kind === BtfKind.STRUCT || kind === BtfKind.UNION) {
        lines.push(...this.fields(btf, inner, optional || kind === BtfKind.UNION, indent));
      }
    }
    return lines;
  }

  private declare(name: string, text: string): string {
    const key = `${name}\n${text}`;
    const known = this.names.get(key);
    if (known !== undefined) return known;
    const base = pascalCase(name);
    let free = base;
    for (let n = 2; this.declared.has(free); n++) free = `${base}${n}`;
    this.names.set(key, free);
    this.declared.set(free, text);
    return free;
  }

  /** Keep a name for what the file itself declares. */
  reserve(name: string): void {
    this.declared.set(name, '');
  }
}

/** `exec_event` as TypeScript names types: `ExecEvent`. */
export function pascalCase(name: string): string {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  const text = words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('');
  return /^[A-Za-z]/.test(text) ? text : `T${text}`;
}
