import { decoderOf, encodeValue, type Btf } from '../btf';
import { BpfError } from '../errors';
import { lpmKey } from './lpm-key';

/** Turns a JavaScript value into the bytes of a key or value, and back. */
export interface Codec {
  /** Bytes. */
  readonly size: number;
  encode(value: unknown): Uint8Array;
  /** @param view of bytes that reach at least `size` beyond the offset */
  decode(view: DataView, offset: number): unknown;
}

/** Decode one value that has its bytes to itself. */
export function decodeBytes(codec: Codec, bytes: Uint8Array): unknown {
  return codec.decode(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0);
}

/** Bytes as they are: for keys and values without BTF. `what` names them in errors: `map 'hits': key`. */
export function bytesCodec(what: string, size: number): Codec {
  return {
    size,
    encode: (value) => {
      if (value instanceof Uint8Array && value.length === size) return value;
      throw new BpfError('CONSTANT_INVALID', what, {
        found: value instanceof Uint8Array ? `${value.length} bytes` : `a ${typeof value}`,
        expected: `a Uint8Array of ${size} bytes, since the map has no BTF`,
      });
    },
    decode: (view, offset) => new Uint8Array(view.buffer, view.byteOffset + offset, size).slice(),
  };
}

/** Keys of arrays: an index as a number, or as its bytes. Data sections have such keys without BTF. */
export function indexCodec(what: string): Codec {
  const bytes = bytesCodec(what, 4);
  return {
    size: 4,
    encode: (value) => {
      if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 0xffffffff) {
        return bytes.encode(value);
      }
      const index = new Uint8Array(4);
      new DataView(index.buffer).setUint32(0, value, true);
      return index;
    },
    decode: (view, offset) => view.getUint32(offset, true),
  };
}

/** Values of a BTF type; `encodeValue` says what is taken, `decodeValue` what comes back. */
export function btfCodec(what: string, btf: Btf, typeId: number, size: number): Codec {
  const decoder = decoderOf(btf, typeId);
  return {
    size,
    encode: (value) => {
      const bytes = new Uint8Array(size);
      encodeValue(btf, typeId, value, bytes, 0, { name: what });
      return bytes;
    },
    decode: (view, offset) => decoder.decodeAt(view, offset),
  };
}

/** Keys of an LPM trie can be given as networks too: `10.0.0.0/8`. */
export function lpmCodec(key: Codec): Codec {
  return {
    ...key,
    encode: (value) => (typeof value === 'string' ? lpmKey(value, key.size) : key.encode(value)),
  };
}

/** A value for each CPU: the kernel rounds each up to 8 bytes. */
export function perCpuCodec(what: string, value: Codec, cpus: number): Codec {
  const step = Math.ceil(value.size / 8) * 8;
  return {
    size: step * cpus,
    encode: (values) => {
      if (!Array.isArray(values) || values.length !== cpus) {
        throw new BpfError('CONSTANT_INVALID', what, {
          found: Array.isArray(values) ? `a list of ${values.length}` : `a ${typeof values}`,
          expected: `a list of ${cpus}, a value for each possible CPU`,
        });
      }
      const bytes = new Uint8Array(step * cpus);
      values.forEach((one, cpu) => bytes.set(value.encode(one), cpu * step));
      return bytes;
    },
    decode: (view, offset) =>
      Array.from({ length: cpus }, (_, cpu) => value.decode(view, offset + cpu * step)),
  };
}
