import { possibleCpus, type BpfMap } from '@nx-bpf/loader';
import { jsonWriter, valueJson, type JsonWriter } from '../../report';

/** How the keys of a map are written: as BTF types them, else as its codec has them. */
export function keyWriter(map: BpfMap): JsonWriter {
  const { keyTypeId } = map.info();
  return (
    typed(map, keyTypeId) ??
    ((bytes, _, offset) => valueJson(map.decodeKey(bytes.subarray(offset, offset + map.keySize))))
  );
}

/** How its values are written: in a per-CPU map, a list. */
export function valueWriter(map: BpfMap): JsonWriter {
  const { valueTypeId, valueSize } = map.info();
  const one = typed(map, valueTypeId);
  if (one === undefined) {
    const size = map.raw.valueSize;
    return (bytes, _, offset) => valueJson(map.decodeValue(bytes.subarray(offset, offset + size)));
  }
  if (!map.perCpu) return one;
  const step = Math.ceil(valueSize / 8) * 8;
  const offsets = Array.from({ length: possibleCpus() }, (_, cpu) => cpu * step);
  return (bytes, view, offset) => `[${offsets.map((at) => one(bytes, view, offset + at)).join(',')}]`;
}

function typed(map: BpfMap, typeId: number): JsonWriter | undefined {
  const btf = typeId === 0 ? undefined : map.btf;
  return btf && jsonWriter(btf, typeId);
}

/** Writes a value that has its bytes to itself. */
export function whole(write: JsonWriter, bytes: Uint8Array): string {
  return write(bytes, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0);
}
