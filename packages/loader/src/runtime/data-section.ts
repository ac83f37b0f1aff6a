import { BpfError } from '../errors';
import { mapMemory, pageSize, type MappedMemory } from '../kernel';
import { type BpfMap } from './map';

/** BPF_F_MMAPABLE. */
const MMAPABLE = 1 << 10;

/**
 * The one value of a data section's map (`.data`, `.bss`, `.rodata`), shared with the running programs through mmap(2)
 * where the map allows it: then a write touches the variable's bytes and no others.
 */
export class DataSection {
  private readable: MappedMemory | undefined;
  private writable: MappedMemory | undefined;

  /** @param arena memory of an arena, where its variables begin at the offset */
  constructor(
    readonly map: BpfMap,
    private readonly arena?: { readonly offset: number; readonly memory: MappedMemory | undefined },
  ) {}

  /** A copy of some bytes. */
  read(offset: number, size: number): Uint8Array {
    if (this.arena !== undefined) {
      const at = this.arena.offset + offset;
      return this.arenaBytes.slice(at, at + size);
    }
    const bytes = this.mapped ? this.memory(false).bytes : this.value();
    return bytes.slice(offset, offset + size);
  }

  /**
   * Write some bytes. A map that cannot be mapped is read, changed and written back as a whole: what programs write to
   * its other variables meanwhile is lost.
   *
   * @throws BpfError SYSCALL_FAILED, EPERM for a frozen section
   */
  write(offset: number, bytes: Uint8Array): void {
    if (this.arena !== undefined) {
      this.arenaBytes.set(bytes, this.arena.offset + offset);
      return;
    }
    if (this.mapped) {
      this.memory(true).bytes.set(bytes, offset);
      return;
    }
    const value = this.value();
    value.set(bytes, offset);
    this.map.raw.update(firstKey, value);
  }

  /** Give the memory back. */
  close(): void {
    this.arena?.memory?.unmap();
    this.readable?.unmap();
    this.writable?.unmap();
    this.readable = undefined;
    this.writable = undefined;
  }

  private get arenaBytes(): Uint8Array {
    if (this.arena?.memory !== undefined) return this.arena.memory.bytes;
    throw new BpfError('SYSCALL_FAILED', `arena '${this.map.name}' is not mapped into this process`, {
      map: this.map.name,
      hint: 'its variables can be reached from the process that made it',
    });
  }

  private get mapped(): boolean {
    return (this.map.flags & MMAPABLE) !== 0;
  }

  private value(): Uint8Array {
    const value = this.map.raw.lookup(firstKey);
    if (value !== undefined) return value;
    throw new BpfError('INTERNAL', `map '${this.map.name}': an array without its first element`);
  }

  private memory(writable: boolean): MappedMemory {
    if (this.writable !== undefined) return this.writable;
    const length = Math.ceil(this.map.valueSize / pageSize()) * pageSize();
    if (writable) return (this.writable = mapMemory(this.map.fd, length, { writable }));
    return (this.readable ??= mapMemory(this.map.fd, length));
  }
}

const firstKey = new Uint8Array(4);
