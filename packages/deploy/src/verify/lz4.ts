import { BpfError } from '@nx-bpf/loader';

/** Shortest match: a token's lower half counts from here. */
const SHORTEST = 4;
/** A token's half that goes on in the bytes behind it. */
const MORE = 15;
/** Most bytes of a block of the legacy frame. */
const BLOCK = 8 << 20;
/** A byte of a block stands for at most so many: one of a length that goes on. */
const MOST_OF_EACH = 255;

/**
 * Decompresses LZ4 as the kernel's build writes it (`lz4 -l`): the legacy frame, which is a magic number and blocks of
 * at most 8 MiB, each behind its compressed size. Source: lz4_Frame_format.md and lz4_Block_format.md of LZ4.
 *
 * @param most bytes may come of it
 * @throws BpfError FILE for data that is damaged
 */
export function decompressLz4(bytes: Uint8Array, name: string, most = Infinity): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blocks: Uint8Array[] = [];
  let left = most;
  for (let at = 4; at + 4 <= bytes.length;) {
    const size = view.getUint32(at, true);
    at += 4;
    if (at + size > bytes.length) throw damaged(name, at);
    const output = block(bytes.subarray(at, at + size), name);
    left -= output.length;
    if (left < 0)
      throw new BpfError('FILE', `${name} cannot be decompressed: it has more than ${most} bytes`, {
        path: name,
      });
    blocks.push(output);
    at += size;
  }
  return Buffer.concat(blocks);
}

function block(input: Uint8Array, name: string): Uint8Array {
  const room = Math.min(BLOCK, MOST_OF_EACH * input.length);
  const output = new Uint8Array(room);
  let at = 0;
  let end = 0;
  const length = (start: number): number => {
    let total = start;
    if (start !== MORE) return total;
    for (;;) {
      const byte = input[at++];
      if (byte === undefined) throw damaged(name, at);
      total += byte;
      if (byte !== 0xff) return total;
    }
  };
  while (at < input.length) {
    const token = input[at++]!;
    const literals = length(token >> 4);
    if (at + literals > input.length || end + literals > room) throw damaged(name, at);
    output.set(input.subarray(at, at + literals), end);
    at += literals;
    end += literals;
    // The last sequence has no match.
    if (at === input.length) break;
    const distance = input[at]! | ((input[at + 1] ?? 0) << 8);
    at += 2;
    const count = length(token & MORE) + SHORTEST;
    if (distance === 0 || distance > end || end + count > room) throw damaged(name, at);
    // A match may reach into what it writes itself: then it repeats.
    if (distance >= count) output.copyWithin(end, end - distance, end - distance + count);
    else for (let i = 0; i < count; i++) output[end + i] = output[end + i - distance]!;
    end += count;
  }
  return output.subarray(0, end);
}

function damaged(name: string, offset: number): BpfError {
  return new BpfError('FILE', `${name}: its LZ4 data is damaged`, { path: name, offset });
}
