import { type Random } from './random';

/** No input is longer. */
export const longest = 100_000;

/** An input that is being changed: bytes in a buffer that has room for more. */
export class Draft {
  readonly bytes = new Uint8Array(longest);
  readonly view = new DataView(this.bytes.buffer);
  length = 0;

  /** @param other gives an input to take parts from */
  constructor(
    readonly random: Random,
    readonly other: () => Uint8Array,
  ) {}

  start(input: Uint8Array): void {
    this.length = Math.min(input.length, longest);
    this.bytes.set(input.subarray(0, this.length));
  }

  take(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  /** Puts bytes in the place of others; what would be too long is cut off. */
  replace(start: number, end: number, piece: Uint8Array): void {
    const fits = piece.subarray(0, Math.max(0, longest - start));
    const tail = Math.min(this.length - end, longest - start - fits.length);
    this.bytes.copyWithin(start + fits.length, end, end + Math.max(0, tail));
    this.bytes.set(fits, start);
    this.length = start + fits.length + Math.max(0, tail);
  }

  /** A part at random: mostly short. */
  part(): { readonly start: number; readonly end: number } {
    const { random } = this;
    const most = random.oneIn(4) ? this.length : Math.min(this.length, 32);
    const length = random.below(most) + 1;
    const start = random.below(this.length - length + 1);
    return { start, end: Math.min(start + length, this.length) };
  }
}
