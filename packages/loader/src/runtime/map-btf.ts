import { Btf } from '../btf';
import { btfBytes, withObject, type MapInfo } from '../kernel';

/**
 * The types that a map was created with, as the kernel holds them; undefined when it was created without, or when this
 * process may not open BTF by id (that takes CAP_SYS_ADMIN).
 */
export function mapBtf(info: MapInfo): Btf | undefined {
  if (info.btfId === 0) return undefined;
  const bytes = openBtf(info.btfId);
  return bytes && Btf.parse(bytes, { object: `map '${info.name}'` });
}

function openBtf(id: number): Uint8Array | undefined {
  try {
    return withObject('btf', id, btfBytes);
  } catch {
    return undefined;
  }
}
