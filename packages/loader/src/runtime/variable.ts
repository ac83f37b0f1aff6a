import { decodeValue, encodeValue, type Btf } from '../btf';
import { BpfError } from '../errors';
import { type VariableSpec } from '../object';
import { type DataSection } from './data-section';

/**
 * A global variable of a loaded object, in the map of its section. Reads and writes go to the running programs' own
 * memory; constants (`.rodata`) can only be read, since their map is frozen.
 *
 * @typeParam T asserted by the caller, not checked
 *
 * @example
 * ```ts
 * const dropped = collection.variable<number>('dropped');
 * dropped.set(3);
 * dropped.get(); // 3
 * ```
 */
export class Variable<T = unknown> {
  readonly name: string;
  /** Bytes. */
  readonly size: number;

  constructor(
    private readonly spec: VariableSpec,
    private readonly section: DataSection,
    private readonly btf: Btf | undefined,
  ) {
    this.name = spec.name;
    this.size = spec.size;
  }

  /** Its value now: typed by BTF, else its bytes. */
  get(): T {
    const bytes = this.bytes();
    return (
      this.btf === undefined || this.spec.typeId === 0
        ? bytes
        : decodeValue(this.btf, this.spec.typeId, bytes, 0)
    ) as T;
  }

  /**
   * Change it. Fields of a struct and elements of an array that the value leaves out stay as they are.
   *
   * @throws BpfError CONSTANT_INVALID for a value that does not fit its C type, SYSCALL_FAILED with EPERM for a constant
   */
  set(value: T): void {
    const bytes = this.bytes();
    if (this.btf !== undefined && this.spec.typeId !== 0) {
      encodeValue(this.btf, this.spec.typeId, value, bytes, 0, { name: this.name });
    } else if (value instanceof Uint8Array && value.length === this.size) {
      bytes.set(value);
    } else {
      throw new BpfError('CONSTANT_INVALID', `variable '${this.name}'`, {
        symbol: this.name,
        expected: `a Uint8Array of ${this.size} bytes, since the object has no BTF`,
      });
    }
    this.section.write(this.spec.offset, bytes);
  }

  /** A copy of its bytes. */
  bytes(): Uint8Array {
    return this.section.read(this.spec.offset, this.size);
  }
}
