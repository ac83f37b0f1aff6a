import { addressOf, lastErrno, native } from './native';

/** Enough for the longest `union bpf_attr` there is. */
const SIZE = 256;

/**
 * bpf(2) for a caller that makes many calls in a row: one block of attributes, written as 32-bit words, and addresses
 * as numbers. Half of what a call costs otherwise is spent on making its attributes.
 *
 * Words are indexed by the byte offsets of `attributes.ts` divided by four.
 */
export class QuickBpf {
  private readonly block: Buffer;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  private readonly address: number;
  /** Address of eight zeros, as the key of the only element of a map. */
  readonly zeros: number;

  constructor() {
    // Not from the pool, and too long to be kept inside of V8's heap: the address stays.
    this.block = Buffer.alloc(SIZE + 8);
    this.bytes = this.block;
    this.words = new Int32Array(this.block.buffer, this.block.byteOffset, SIZE / 4);
    this.address = addressNumber(this.block);
    this.zeros = this.address + SIZE;
  }

  /** Sets every word to zero. */
  clear(): void {
    this.words.fill(0);
  }

  /** Writes an address, which has 47 bits, or on some machines 52, as the two words from `word` on. */
  pointer(word: number, address: number): void {
    this.words[word] = (address % 2 ** 32) | 0;
    this.words[word + 1] = Math.floor(address / 2 ** 32);
  }

  /** @returns what the command returns; on failure the negative error number */
  call(command: number): number {
    const { numbers, bpfAt } = native();
    const result = bpfAt(numbers.bpf, command, this.address, SIZE);
    return result < 0 ? -lastErrno() : result;
  }

  /**
   * The same in a thread of its own, with attributes of its own. What they point to must stay as it is until then.
   *
   * @returns what the command returns, or -1: the error number stays in that thread
   */
  callInThread(command: number): Promise<number> {
    const { numbers, bpfAt } = native();
    const own = Buffer.allocUnsafeSlow(SIZE);
    this.block.copy(own, 0, 0, SIZE);
    return new Promise((resolve, reject) => {
      bpfAt.async(numbers.bpf, command, addressNumber(own), SIZE, (error, result) => {
        // Named here so that the attributes live until the call is over.
        if (error === null) resolve(own.length > 0 && result >= 0 ? result : -1);
        else reject(error as Error);
      });
    });
  }
}

/** Where bytes are, as a number: exact, since addresses of processes are far below 2^53. */
export function addressNumber(bytes: Uint8Array): number {
  return Number(addressOf(bytes));
}
