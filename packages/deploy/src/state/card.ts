import { btfLoad, BtfBuilder, Fd, IntEncoding, Linkage } from '@nx-bpf/loader';
import { createFrozenMap } from './frozen-map';

/** Whose program it is: what a card says. */
export interface CardContent {
  /** `project/environment`. */
  readonly owner: string;
  /** SHA-256 of the object file. */
  readonly object: string;
  readonly generation: number;
}

/**
 * A frozen map to be bound to programs, so that plain `bpftool prog show` prints whose they are: it shows variables
 * that start with `bpf_metadata_` of a program's map whose name contains `.rodata`.
 *
 * @returns undefined where the kernel does not take its BTF, without which it would say nothing
 */
export function createCard(content: CardContent): Fd | undefined {
  const { bytes, typeId, value } = layOut([
    ['bpf_metadata_owner', content.owner],
    ['bpf_metadata_object', content.object],
    ['bpf_metadata_generation', String(content.generation)],
  ]);
  const result = btfLoad(bytes);
  if (result < 0) return undefined;
  const btf = new Fd(result, 'BTF of a card');
  try {
    return createFrozenMap('nxbpf.rodata', value, { btf, typeId });
  } finally {
    btf.close();
  }
}

/** The owner that a card's value names: its first text. */
export function cardOwner(value: Uint8Array): string | undefined {
  const end = value.indexOf(0);
  return end <= 0 ? undefined : Buffer.from(value.subarray(0, end)).toString('utf8');
}

/** A DATASEC of text variables, and its contents. */
function layOut(variables: readonly (readonly [name: string, text: string])[]): {
  bytes: Uint8Array;
  typeId: number;
  value: Uint8Array;
} {
  const builder = new BtfBuilder();
  const index = builder.int('int', 4, IntEncoding.SIGNED);
  const char = builder.int('char', 1, IntEncoding.CHAR);
  const texts = variables.map(([, text]) => Buffer.from(`${text}\0`, 'utf8'));
  let offset = 0;
  const entries = variables.map(([name], i) => {
    const size = texts[i]!.length;
    const type = builder.variable(name, builder.const(builder.array(char, index, size)), Linkage.GLOBAL);
    const entry = { type, offset, size };
    offset += size;
    return entry;
  });
  const typeId = builder.datasec('.rodata', offset, entries);
  return { bytes: builder.build(), typeId, value: Buffer.concat(texts) };
}
