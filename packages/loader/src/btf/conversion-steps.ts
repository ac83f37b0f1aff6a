import { readBits, writeBits } from './bits';

/**
 * What turns the bytes of one layout into those of another. Offsets count from the start of the value, or of the
 * element inside `each`. Both sides are little endian, as kernels that this loader runs on.
 */
export type Step =
  /** Bytes as they are. */
  | { readonly kind: 'copy'; readonly from: number; readonly to: number; readonly size: number }
  /** An integer into as many bits or more; `names` replaces values of an enum whose names got others. */
  | {
      readonly kind: 'integer';
      readonly from: IntegerPlace;
      readonly to: IntegerPlace;
      readonly names?: ReadonlyMap<bigint, bigint>;
    }
  /** A float as a double. */
  | { readonly kind: 'float'; readonly from: number; readonly to: number }
  /** The same steps for each element of an array; strides in bytes. */
  | {
      readonly kind: 'each';
      readonly count: number;
      readonly from: number;
      readonly to: number;
      readonly fromStride: number;
      readonly toStride: number;
      readonly steps: readonly Step[];
    };

/** Where an integer is: bits from the start. */
export interface IntegerPlace {
  readonly bitOffset: number;
  readonly width: number;
  readonly signed: boolean;
}

/** Steps that copy neighbouring bytes become one. */
export function merged(steps: readonly Step[]): Step[] {
  const result: Step[] = [];
  for (const step of steps) {
    const last = result.at(-1);
    if (
      last?.kind === 'copy' &&
      step.kind === 'copy' &&
      last.from + last.size === step.from &&
      last.to + last.size === step.to
    ) {
      result[result.length - 1] = { ...last, size: last.size + step.size };
    } else {
      result.push(step);
    }
  }
  return result;
}

/** Carries steps out; bytes that no step writes stay. */
export function runSteps(
  steps: readonly Step[],
  from: Uint8Array,
  into: Uint8Array,
  fromBase = 0,
  toBase = 0,
): void {
  for (const step of steps) {
    switch (step.kind) {
      case 'copy':
        for (let i = 0; i < step.size; i++) into[toBase + step.to + i] = from[fromBase + step.from + i]!;
        break;
      case 'integer':
        integer(step, from, into, fromBase, toBase);
        break;
      case 'float': {
        const value = view(from).getFloat32(fromBase + step.from, true);
        view(into).setFloat64(toBase + step.to, value, true);
        break;
      }
      case 'each':
        for (let i = 0; i < step.count; i++) {
          const fromAt = fromBase + step.from + i * step.fromStride;
          runSteps(step.steps, from, into, fromAt, toBase + step.to + i * step.toStride);
        }
    }
  }
}

function integer(
  { from: source, to: target, names }: Extract<Step, { kind: 'integer' }>,
  from: Uint8Array,
  into: Uint8Array,
  fromBase: number,
  toBase: number,
): void {
  const bits = readBits(from, 8 * fromBase + source.bitOffset, source.width, true);
  const value = source.signed ? BigInt.asIntN(source.width, bits) : bits;
  writeBits(into, 8 * toBase + target.bitOffset, target.width, names?.get(value) ?? value, true);
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
