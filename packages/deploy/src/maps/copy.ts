import {
  BpfError,
  possibleCpus,
  updateAtomically,
  type AtomicChange,
  type BpfMap,
  type Entry,
} from '@nx-bpf/loader';
import { type CopyPlan } from './copy-plan';
import { familyOf, valueStride } from './shape';
import { gain, word } from './summed';

/** What the second sweep found in the old map, once nothing used it any more. */
export interface SweepResult {
  /** Entries made since the first sweep: they are in the new map now. */
  readonly created: number;
  /** Entries that had changed since the first sweep. */
  readonly changed: number;
  /** Entries removed since the first sweep: they are in the new map. */
  readonly vanished: number;
  /** Parts of entries that the new programs had changed too: theirs stayed. */
  readonly conflicts: number;
  /** Entries made since the first sweep that the new map had no room for: they are lost. */
  readonly full: number;
}

/** Entries that are converted and written at once. */
const BATCH = 4096;

/**
 * The entries of one map in another, converted. First while the old map is in use and the new one is not; then, once
 * it is the other way round, once more for what changed in between.
 */
export class MapCopy {
  /** What the first sweep read, by key: what the old map gained since is told by it. */
  private readonly before = new Map<string, Uint8Array>();
  private readonly cpus: number;
  private readonly strides: { readonly from: number; readonly to: number };

  constructor(
    private readonly from: BpfMap,
    private readonly to: BpfMap,
    private readonly plan: CopyPlan,
  ) {
    this.cpus = familyOf(to.type)?.perCpu === true ? possibleCpus() : 1;
    this.strides = { from: valueStride(from), to: valueStride(to) };
  }

  /**
   * Copies every entry.
   *
   * @returns how many
   * @throws BpfError SYSCALL_FAILED, E2BIG where the new map is too small for them
   */
  first(): number {
    let batch: Entry[] = [];
    for (const [key, value] of this.from.raw.entries()) {
      this.before.set(keyText(key), value);
      batch.push([this.key(key), this.value(value)]);
      if (batch.length < BATCH) continue;
      this.to.raw.updateBatch(batch);
      batch = [];
    }
    this.to.raw.updateBatch(batch);
    return this.before.size;
  }

  /**
   * Brings over what the old map gained since {@link first}. Programs write to the new map meanwhile: counters are
   * added to, other words are written only where they are still as the first sweep left them.
   */
  second(): SweepResult {
    let created = 0;
    let changed = 0;
    let full = 0;
    const seen = new Set<string>();
    const changes: AtomicChange[] = [];
    let conflicts = 0;
    for (const [key, value] of this.from.raw.entries()) {
      const text = keyText(key);
      seen.add(text);
      const before = this.before.get(text);
      if (before !== undefined && equal(before, value)) continue;
      if (before === undefined) {
        const outcome = this.insert(key, value);
        if (outcome === 'full') full++;
        else created++;
        if (outcome !== 'exists') continue;
      } else {
        changed++;
      }
      if (!this.plan.rewrites)
        changes.push(...this.changesOf(key, before ?? new Uint8Array(value.length), value));
      else if (before === undefined || !this.rewrite(key, before, value)) conflicts++;
    }
    if (changes.length > 0) conflicts += updateAtomically(this.to, this.plan.fields, changes).conflicts;
    const vanished = [...this.before.keys()].filter((key) => !seen.has(key)).length;
    return { created, changed, vanished, conflicts, full };
  }

  /** `exists`: the new programs have made the entry too. */
  private insert(key: Uint8Array, value: Uint8Array): 'made' | 'exists' | 'full' {
    try {
      this.to.raw.update(this.key(key), this.value(value), 'new');
      return 'made';
    } catch (error) {
      const errno = error instanceof BpfError ? error.fields.errno : undefined;
      if (errno === 'EEXIST') return 'exists';
      // The new programs run already: what they do is worth more than to go back.
      if (errno === 'E2BIG' || errno === 'ENOSPC') return 'full';
      throw error;
    }
  }

  /** Not atomic: what a program writes between the look and the write is written over. */
  private rewrite(key: Uint8Array, before: Uint8Array, after: Uint8Array): boolean {
    const newKey = this.key(key);
    const there = this.to.raw.lookup(newKey);
    if (there === undefined || !equal(there, this.value(before))) return false;
    this.to.raw.update(newKey, this.value(after));
    return true;
  }

  /** A change for each CPU's value that differs. */
  private changesOf(key: Uint8Array, before: Uint8Array, after: Uint8Array): AtomicChange[] {
    const { from, to } = this.strides;
    const [was, is] = [this.value(before), this.value(after)];
    const { fields, summed } = this.plan;
    const changes: AtomicChange[] = [];
    for (let cpu = 0; cpu < this.cpus; cpu++) {
      const [old, now] = [before, after].map((bytes) => bytes.subarray(cpu * from, (cpu + 1) * from));
      if (equal(old!, now!)) continue;
      const operands = fields.map(({ operation, offset, size }, i) => {
        if (operation === 'add') return gain(summed[i]!.from, old!, now!);
        const at = cpu * to + offset;
        return [word(was, at, size), word(is, at, size)] as const;
      });
      changes.push({ key: this.key(key), cpu, operands });
    }
    return changes;
  }

  private key(bytes: Uint8Array): Uint8Array {
    const { key } = this.plan;
    if (key.same) return bytes;
    const converted = new Uint8Array(this.to.keySize);
    key.convert(bytes, converted);
    return converted;
  }

  private value(bytes: Uint8Array): Uint8Array {
    const { value } = this.plan;
    if (value.same && this.from.valueSize === this.to.valueSize) return bytes;
    const { from, to } = this.strides;
    const converted = new Uint8Array(this.cpus * to);
    for (let cpu = 0; cpu < this.cpus; cpu++) {
      value.convert(
        bytes.subarray(cpu * from, cpu * from + this.from.valueSize),
        converted.subarray(cpu * to, cpu * to + this.to.valueSize),
      );
    }
    return converted;
  }
}

function keyText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
