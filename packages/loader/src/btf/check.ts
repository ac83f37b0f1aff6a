import { type BpfError } from '../errors';
import { type Btf } from './btf';
import { BtfKind, Linkage } from './kinds';

/** Makes the error of one type: where it is in the file is known to the caller. */
export type TypeError = (id: number, what: string) => BpfError;

/**
 * The longest name of a type or member, in bytes: the kernel allows 512 (KSYM_NAME_LEN), and an object whose types it
 * refuses can still be loaded. Without a limit thousands of types could share one name that is most of the file.
 */
const LONGEST_NAME = 1024;

/**
 * Checks every own type: strings and ids exist, elements are of the kind they must be, members lie in their struct.
 * The same rules as the kernel's `btf_*_check_meta`, as far as reading depends on them.
 *
 * @throws what `error` makes, for the first type that is wrong
 */
export function checkTypes(btf: Btf, stringEnd: number, error: TypeError): void {
  const checker = new TypeChecker(btf, stringEnd, error);
  for (let id = btf.firstId; id < btf.endId; id++) checker.check(id);
}

const INT_SIZES = [1, 2, 4, 8, 16];
const ENUM_SIZES = [1, 2, 4, 8];
const FLOAT_SIZES = [2, 4, 8, 12, 16];

class TypeChecker {
  /** Text of more than a name's length is rare: only where there is some, each name's length is looked at. */
  private readonly longStrings: boolean;

  constructor(
    private readonly btf: Btf,
    private readonly stringEnd: number,
    private readonly error: TypeError,
  ) {
    this.longStrings = hasLongString(btf.stringBytes);
  }

  check(id: number): void {
    const { btf } = this;
    this.checkString(id, btf.nameOffset(id), 'name');
    const kind = btf.kind(id);
    switch (kind) {
      case BtfKind.VOID:
      case BtfKind.FWD:
        return;
      case BtfKind.INT:
        return this.checkInt(id);
      case BtfKind.FLOAT:
        return this.checkSize(id, FLOAT_SIZES);
      case BtfKind.PTR:
      case BtfKind.TYPEDEF:
      case BtfKind.VOLATILE:
      case BtfKind.CONST:
      case BtfKind.RESTRICT:
      case BtfKind.TYPE_TAG:
      case BtfKind.DECL_TAG:
      case BtfKind.VAR:
        return this.checkReference(id, btf.type(id), 'refers to');
      case BtfKind.FUNC:
        return this.checkFunction(id);
      case BtfKind.ARRAY:
        this.checkReference(id, btf.arrayElement(id), 'has elements of');
        return this.checkReference(id, btf.arrayIndex(id), 'has an index of');
      case BtfKind.STRUCT:
      case BtfKind.UNION:
        return this.checkMembers(id);
      case BtfKind.ENUM:
      case BtfKind.ENUM64:
        // `enum tag;` without a definition, which clang takes from C as the kernel writes it.
        if (btf.vlen(id) > 0 || btf.size(id) > 0) this.checkSize(id, ENUM_SIZES);
        return this.eachElement(id, (i) => this.checkString(id, btf.elementWord(id, i, 0), `value ${i}`));
      case BtfKind.FUNC_PROTO:
        this.checkReference(id, btf.type(id), 'returns');
        return this.eachElement(id, (i) => {
          this.checkString(id, btf.elementWord(id, i, 0), `parameter ${i}`);
          this.checkReference(id, btf.paramType(id, i), `parameter ${i}:`);
        });
      case BtfKind.DATASEC:
        return this.eachElement(id, (i) => this.checkVariable(id, i));
    }
  }

  private checkInt(id: number): void {
    this.checkSize(id, INT_SIZES);
    const bits = this.btf.intBits(id);
    if (bits === 0 || this.btf.intOffset(id) + bits > 8 * this.btf.size(id)) {
      throw this.error(
        id,
        `is an integer of ${bits} bits from bit ${this.btf.intOffset(id)} on in ${this.btf.size(id)} bytes`,
      );
    }
  }

  private checkFunction(id: number): void {
    this.checkReference(id, this.btf.type(id), 'refers to');
    if (this.btf.kind(this.btf.type(id)) !== BtfKind.FUNC_PROTO) {
      throw this.error(id, `is a function whose type [${this.btf.type(id)}] is no prototype`);
    }
    if (this.btf.linkage(id) > Linkage.EXTERN) {
      throw this.error(id, `is a function with the unknown linkage ${this.btf.linkage(id)}`);
    }
  }

  private checkMembers(id: number): void {
    const { btf } = this;
    const bits = 8 * btf.size(id);
    this.eachElement(id, (i) => {
      this.checkString(id, btf.elementWord(id, i, 0), `member ${i}`);
      this.checkReference(id, btf.memberType(id, i), `member ${i}:`);
      const end = btf.memberBitOffset(id, i) + btf.memberBitfieldSize(id, i);
      if (end > bits) throw this.error(id, `has ${bits / 8} bytes, but member ${i} reaches to bit ${end}`);
    });
  }

  private checkVariable(id: number, i: number): void {
    const type = this.btf.secVarType(id, i);
    this.checkReference(id, type, `entry ${i}:`);
    const kind = this.btf.kind(type);
    // `.ksyms` lists the functions that are called in the kernel.
    if (kind !== BtfKind.VAR && kind !== BtfKind.FUNC) {
      throw this.error(id, `is a section whose entry ${i}, type [${type}], is neither variable nor function`);
    }
  }

  private eachElement(id: number, check: (i: number) => void): void {
    const count = this.btf.vlen(id);
    for (let i = 0; i < count; i++) check(i);
  }

  private checkSize(id: number, sizes: readonly number[]): void {
    const size = this.btf.size(id);
    if (!sizes.includes(size)) throw this.error(id, `has ${size} bytes; ${sizes.join(', ')} are possible`);
  }

  private checkReference(id: number, type: number, what: string): void {
    if (type >= this.btf.endId) {
      throw this.error(id, `${what} type [${type}], but the last one is [${this.btf.endId - 1}]`);
    }
  }

  private checkString(id: number, offset: number, what: string): void {
    if (offset >= this.stringEnd) {
      throw this.error(
        id,
        `${what}: string offset ${offset} is outside the ${this.stringEnd} bytes of strings`,
      );
    }
    if (this.longStrings && this.btf.string(offset).length > LONGEST_NAME)
      throw this.error(id, `${what}: it is longer than ${LONGEST_NAME} bytes`);
  }
}

function hasLongString(strings: Uint8Array): boolean {
  for (let at = 0; at < strings.length;) {
    const end = strings.indexOf(0, at);
    if (end < 0 || end - at > LONGEST_NAME) return true;
    at = end + 1;
  }
  return false;
}
