import { type Btf } from './btf';
import { BtfKind } from './kinds';

/** What the compiler declares by itself, for its own target: `va_list` has 24 bytes on x86 and 8 on BPF. */
const builtin = ['__builtin_va_list'];

/**
 * Names of types as a header can hold them. BTF may have several types of one name, from translation units that never
 * met: the first keeps its name, the next are called `name___2`, which CO-RE reads as flavours of the same type.
 */
export class CNames {
  private readonly btf: Btf;
  private readonly names: (string | undefined)[] = [];
  /** How many of a name there are: struct, union and enum tags have a name space, all other names another. */
  private readonly tags = new Map<string, number>();
  private readonly identifiers = new Map<string, number>(builtin.map((name) => [name, 1]));

  constructor(btf: Btf) {
    this.btf = btf;
    for (let id = 1; id < btf.endId; id++) {
      const kind = btf.kind(id);
      if (kind === BtfKind.TYPEDEF) {
        this.names[id] = unique(this.identifiers, identifier(btf.name(id)));
      } else if (
        kind === BtfKind.STRUCT ||
        kind === BtfKind.UNION ||
        kind === BtfKind.ENUM ||
        kind === BtfKind.ENUM64
      ) {
        const name = btf.name(id);
        this.names[id] = name === '' ? '' : unique(this.tags, identifier(name));
      }
    }
    this.nameForwards();
  }

  /** Name of a typedef, or tag of a struct, union, enum or forward declaration; '' for an anonymous one. */
  of(id: number): string {
    return this.names[id] ?? '';
  }

  /** A name for an enumerator that is about to be declared: another each time. */
  enumerator(name: string): string {
    return unique(this.identifiers, identifier(name));
  }

  /** A forward declaration means the first definition of its name, if that is of its kind. */
  private nameForwards(): void {
    const { btf } = this;
    const defined = new Map<string, BtfKind>();
    for (let id = 1; id < btf.endId; id++) {
      const kind = btf.kind(id);
      if (kind === BtfKind.FWD) continue;
      const name = this.names[id];
      if (name !== undefined && kind !== BtfKind.TYPEDEF) defined.set(name, kind);
    }
    for (let id = 1; id < btf.endId; id++) {
      if (btf.kind(id) !== BtfKind.FWD) continue;
      const name = identifier(btf.name(id));
      const kind = btf.kindFlag(id) ? BtfKind.UNION : BtfKind.STRUCT;
      const other = defined.get(name);
      this.names[id] = other === undefined || other === kind ? name : unique(this.tags, name);
      defined.set(this.names[id]!, kind);
    }
  }
}

/** Names come from a file: nothing but a C identifier reaches the header. */
function identifier(name: string): string {
  if (/^[A-Za-z_]\w*$/.test(name)) return name;
  return name.replaceAll(/\W/g, '_').replace(/^(?=\d|$)/, '_');
}

function unique(taken: Map<string, number>, name: string): string {
  let count = taken.get(name) ?? 0;
  let candidate: string;
  do {
    count++;
    candidate = count === 1 ? name : `${name}___${count}`;
  } while (count > 1 && taken.has(candidate));
  taken.set(name, count);
  if (count > 1) taken.set(candidate, 1);
  return candidate;
}
