import { type Btf } from './btf';
import { merged, runSteps, type IntegerPlace, type Step } from './conversion-steps';
import { fieldsOf, isChar, scalarPlace, type Field } from './fields';
import { BtfKind, IntEncoding } from './kinds';
import { MAX_NESTING } from './nesting';
import { typeLayout } from './type-layout';

/** A type of one of two versions of a program. */
export interface TypeOf {
  readonly btf: Btf;
  readonly typeId: number;
}

export interface ConversionOptions {
  /** Old fields whose values may be lost, as `stats.errors`; true for any. */
  readonly allowDropped?: true | readonly string[] | undefined;
  /** Only these fields of the outermost struct are converted; the others keep what the new value has. */
  readonly only?: readonly string[] | undefined;
}

/** How values of one layout become values of another. */
export interface Conversion {
  /** Whether the two layouts are one: then nothing has to be converted. */
  readonly same: boolean;
  /** In what they differ, a line for each field: `packets: widened from unsigned int to unsigned long long`. */
  readonly differences: readonly string[];
  /** Why values would be lost or changed, a line for each field; the conversion can be used only without. */
  readonly problems: readonly string[];
  /** Writes a value of the old layout into one of the new; bytes that the old one says nothing about stay. */
  convert(from: Uint8Array, into: Uint8Array): void;
}

/**
 * Compares two layouts field by field, by name, and compiles how values of the first become values of the second.
 * Fields that are new keep what is there (zero, in a new value); integers may get wider, with their sign, and arrays
 * longer; an enum's values follow their names. What could lose or change a value is a problem.
 *
 * @example
 * ```ts
 * const config = { btf, typeId: btf.find('config', BtfKind.STRUCT) };
 * compileConversion(config, config).same; // true
 * ```
 */
export function compileConversion(from: TypeOf, to: TypeOf, options: ConversionOptions = {}): Conversion {
  const compiler = new Compiler(from.btf, to.btf, options);
  const steps = merged(compiler.pair(from.typeId, to.typeId, place(0), place(0), '', 0));
  const same =
    options.only === undefined && typeLayout(from.btf, from.typeId) === typeLayout(to.btf, to.typeId);
  return {
    same,
    differences: same ? [] : compiler.differences,
    problems: same ? [] : compiler.problems,
    convert: (old, into) => runSteps(steps, old, into),
  };
}

/** Where a value is in the whole, in bits; with the width of a bitfield. */
interface Place {
  readonly bitOffset: number;
  readonly bitfieldSize: number;
}

type Offset = Pick<Place, 'bitOffset'>;

function place(bitOffset: number, bitfieldSize = 0): Place {
  return { bitOffset, bitfieldSize };
}

/** Kinds that are numbers of some bits. */
const integers: readonly BtfKind[] = [BtfKind.INT, BtfKind.ENUM, BtfKind.ENUM64];
const enums: readonly BtfKind[] = [BtfKind.ENUM, BtfKind.ENUM64];
const composites: readonly BtfKind[] = [BtfKind.STRUCT, BtfKind.UNION, BtfKind.DATASEC];

/** Fields of these types are the kernel's own: it neither gives them to user space nor takes them. */
const ofTheKernel =
  /^bpf_(spin_lock|res_spin_lock|timer|wq|list_head|list_node|rb_root|rb_node|refcount|task_work)$/;

class Compiler {
  readonly differences: string[] = [];
  readonly problems: string[] = [];

  constructor(
    private readonly old: Btf,
    private readonly now: Btf,
    private readonly options: ConversionOptions,
  ) {}

  /** @param path of the field; '' for the whole */
  pair(oldType: number, newType: number, from: Place, to: Place, path: string, depth: number): Step[] {
    const { old, now } = this;
    const [a, b] = [this.value(old, oldType), this.value(now, newType)];
    const [kind, newKind] = [old.kind(a), now.kind(b)];
    if (depth > MAX_NESTING) return this.refuse(path, 'contains itself');
    if (ofTheKernel.test(old.name(a)) && old.name(a) === now.name(b)) return [];
    if (integers.includes(kind) && integers.includes(newKind)) return this.integer(a, b, from, to, path);
    if (kind === BtfKind.ARRAY && newKind === BtfKind.ARRAY) return this.array(a, b, from, to, path, depth);
    if (composites.includes(kind) && kind === newKind) return this.fields(a, b, from, to, path, depth);
    if (kind === BtfKind.FLOAT && newKind === BtfKind.FLOAT && old.size(a) === 4 && now.size(b) === 8) {
      this.differ(path, this.change('widened', a, b));
      return [{ kind: 'float', from: from.bitOffset / 8, to: to.bitOffset / 8 }];
    }
    if (kind === newKind && old.byteSize(a) === now.byteSize(b)) {
      return [this.copy(from, to, old.byteSize(a))];
    }
    return this.refuse(path, `changed ${this.change('', a, b).trim()}`);
  }

  private value(btf: Btf, typeId: number): number {
    const id = btf.resolve(typeId);
    return btf.kind(id) === BtfKind.VAR ? btf.resolve(btf.type(id)) : id;
  }

  private integer(a: number, b: number, from: Place, to: Place, path: string): Step[] {
    const source = integerPlace(this.old, a, from);
    const target = integerPlace(this.now, b, to);
    const names = this.enumerators(a, b, path);
    const grown = target.width - source.width;
    // A sign takes a bit: an unsigned number fits into a signed one that is wider, a signed one into no unsigned one.
    const fits = source.signed === target.signed ? grown >= 0 : target.signed && grown > 0;
    if (!fits) {
      const what = grown < 0 ? 'narrowed' : 'changed its sign';
      return this.refuse(path, `${what}${this.change('', a, b, source, target)}`);
    }
    if (grown > 0) this.differ(path, this.change('widened', a, b, source, target));
    const bytes = [source.bitOffset, source.width, target.bitOffset].every((bits) => bits % 8 === 0);
    if (grown === 0 && names === undefined && bytes) return [this.copy(source, target, source.width / 8)];
    return [{ kind: 'integer', from: source, to: target, ...(names && { names }) }];
  }

  /** Values of an old enum whose names have other values now. */
  private enumerators(a: number, b: number, path: string): ReadonlyMap<bigint, bigint> | undefined {
    const { old, now } = this;
    if (!enums.includes(old.kind(a)) || !enums.includes(now.kind(b))) return undefined;
    const values = new Map(
      Array.from({ length: now.vlen(b) }, (_, i) => [now.enumName(b, i), now.enumValue(b, i)] as const),
    );
    const moved = new Map<bigint, bigint>();
    for (let i = 0; i < old.vlen(a); i++) {
      const [name, before] = [old.enumName(a, i), old.enumValue(a, i)];
      const after = values.get(name);
      if (after === undefined) this.lost(path, `enum value ${name} is gone`);
      else if (after !== before) {
        moved.set(before, after);
        this.differ(path, `${name} was ${before} and is ${after}`);
      }
    }
    return moved.size === 0 ? undefined : moved;
  }

  private array(a: number, b: number, from: Place, to: Place, path: string, depth: number): Step[] {
    const { old, now } = this;
    const [count, newCount] = [old.arrayLength(a), now.arrayLength(b)];
    if (count > newCount) this.lost(path, `shortened${this.change('', a, b)}`);
    if (count < newCount) this.differ(path, this.change('lengthened', a, b));
    const [element, newElement] = [old.arrayElement(a), now.arrayElement(b)];
    if (isChar(old, element) !== isChar(now, newElement)) {
      return this.refuse(path, `changed${this.change('', a, b)}`);
    }
    const steps = merged(this.pair(element, newElement, place(0), place(0), `${path}[]`, depth + 1));
    const [stride, newStride] = [old.byteSize(element), now.byteSize(newElement)];
    const common = Math.min(count, newCount);
    const [first] = steps;
    const dense =
      stride === newStride && steps.length === 1 && first?.kind === 'copy' && first.size === stride;
    if (dense) return [this.copy(from, to, common * stride)];
    const [fromAt, toAt] = [from.bitOffset / 8, to.bitOffset / 8];
    return [
      {
        ...{ kind: 'each', count: common, from: fromAt, to: toAt },
        ...{ fromStride: stride, toStride: newStride, steps },
      },
    ];
  }

  private fields(a: number, b: number, from: Place, to: Place, path: string, depth: number): Step[] {
    const { old, now } = this;
    const { only } = this.options;
    const wanted = (field: Field): boolean => depth > 0 || only === undefined || only.includes(field.name);
    const oldFields = fieldsOf(old, a).filter(wanted);
    const newFields = new Map(fieldsOf(now, b).map((field) => [field.name, field]));
    const steps: Step[] = [];
    for (const field of oldFields) {
      const name = path === '' ? field.name : `${path}.${field.name}`;
      const target = newFields.get(field.name);
      newFields.delete(field.name);
      if (target === undefined) {
        this.lost(name, `dropped (${old.describe(field.type)})`);
        continue;
      }
      const made = this.pair(
        field.type,
        target.type,
        place(from.bitOffset + field.bitOffset, field.bitfieldSize),
        place(to.bitOffset + target.bitOffset, target.bitfieldSize),
        name,
        depth + 1,
      );
      if (field.bitOffset !== target.bitOffset && only === undefined) {
        this.differ(name, `moved from byte ${byteOf(from, field)} to ${byteOf(to, target)}`);
      }
      steps.push(...made);
    }
    for (const field of newFields.values()) {
      if (only !== undefined && depth === 0) continue;
      const name = path === '' ? field.name : `${path}.${field.name}`;
      this.differ(name, `added (${now.describe(field.type)})`);
    }
    // Where fields lie over each other, only bytes as they are mean the same afterwards whichever of them is in use.
    const shifts = new Set(steps.map((step) => (step.kind === 'copy' ? step.to - step.from : NaN)));
    if (overlapping(oldFields) && (shifts.size > 1 || shifts.has(NaN))) {
      return this.refuse(path, 'is a union whose members changed');
    }
    return steps;
  }

  private copy(from: Offset, to: Offset, size: number): Step {
    return { kind: 'copy', from: from.bitOffset / 8, to: to.bitOffset / 8, size };
  }

  private change(what: string, a: number, b: number, source?: IntegerPlace, target?: IntegerPlace): string {
    const [before, after] = [this.old.describe(a), this.now.describe(b)];
    const bits =
      before === after && source && target ? [` of ${source.width} bits`, ` of ${target.width}`] : [];
    return `${what} from ${before}${bits[0] ?? ''} to ${after}${bits[1] ?? ''}`;
  }

  private differ(path: string, text: string): void {
    this.differences.push(`${path || 'the value'}: ${text}`);
  }

  private refuse(path: string, text: string): Step[] {
    this.differ(path, text);
    this.problems.push(`${path || 'the value'}: ${text}`);
    return [];
  }

  /** Something that the old value says and the new one cannot. */
  private lost(path: string, text: string): void {
    const { allowDropped = [] } = this.options;
    const allowed =
      allowDropped === true || allowDropped.some((name) => path === name || path.startsWith(`${name}.`));
    if (allowed) this.differ(path, text);
    else this.refuse(path, text);
  }
}

function integerPlace(btf: Btf, id: number, at: Place): IntegerPlace {
  const { bitOffset, width } = scalarPlace(btf, id, at.bitOffset, at.bitfieldSize);
  const signed =
    btf.kind(id) === BtfKind.INT ? (btf.intEncoding(id) & IntEncoding.SIGNED) !== 0 : btf.kindFlag(id);
  return { bitOffset, width, signed };
}

function byteOf(base: Place, field: Field): number {
  return Math.floor((base.bitOffset + field.bitOffset) / 8);
}

/** Whether one begins where an earlier one begins too: the fields of C's other types follow each other. */
function overlapping(fields: readonly Field[]): boolean {
  return fields.some((field, i) => i > 0 && field.bitOffset <= fields[i - 1]!.bitOffset);
}
