import { type Btf } from '../btf';
import { possibleCpus } from '../kernel';
import { MapType } from '../object';
import { btfCodec, bytesCodec, indexCodec, lpmCodec, perCpuCodec, type Codec } from './codec';
import { heldBy } from './handle-value';
import { isIndexed, isPerCpu } from './map-types';

/** What makes bytes of a map's keys and values, and back. */
export interface MapCodecs {
  readonly key: Codec;
  readonly value: Codec;
}

/** What decides about them. */
export interface CodedMap {
  readonly name: string;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  /** Types in the map's BTF; 0 for none. */
  readonly keyTypeId: number;
  readonly valueTypeId: number;
  /** Asked only where there is such a type. */
  readonly btf: () => Btf | undefined;
}

export function mapCodecs(map: CodedMap): MapCodecs {
  const { name, type, keyTypeId, valueTypeId, btf } = map;
  const [keyName, valueName] = [`map '${name}': key`, `map '${name}': value`];
  const keyBtf = keyTypeId === 0 ? undefined : btf();
  const valueBtf = valueTypeId === 0 ? undefined : btf();
  const isHandle = map.valueSize === 4 && heldBy(type) !== undefined;
  const key =
    keyTypeId === 0 && isIndexed(type)
      ? indexCodec(keyName)
      : typedCodec(keyName, keyBtf, keyTypeId, map.keySize);
  const value =
    valueBtf === undefined && isHandle
      ? indexCodec(valueName)
      : typedCodec(valueName, valueBtf, valueTypeId, map.valueSize);
  return {
    key: type === MapType.lpm_trie ? lpmCodec(key) : key,
    value: isPerCpu(type) ? perCpuCodec(valueName, value, possibleCpus()) : value,
  };
}

function typedCodec(what: string, btf: Btf | undefined, typeId: number, size: number): Codec {
  return btf === undefined ? bytesCodec(what, size) : btfCodec(what, btf, typeId, size);
}
