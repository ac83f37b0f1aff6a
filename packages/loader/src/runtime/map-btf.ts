import { Btf } from '../btf';
import { btfBytes, withObject, type MapInfo } from '../kernel';

/**
 * The types that a map was created with, as the kernel holds them; undefined when it was created without, or when this
 * process may not open BTF by id (that takes CAP_SYS_ADMIN).
 */
export function mapBtf(info: MapInfo): Btf | undefined {
  return loadedBtf(info.btfId, `map '${info.name}'`);
}

/** The types with an id, of what `object` names in errors; undefined without one, or where they may not be opened. */
export function loadedBtf(id: number, object: string): Btf | undefined {
  const bytes = id === 0 ? undefined : openBtf(id);
  return bytes && Btf.parse(bytes, { object });
}

function openBtf(id: number): Uint8Array | undefined {
  try {
    return withObject('btf', id, btfBytes);
  } catch {
    return undefined;
  }
}
