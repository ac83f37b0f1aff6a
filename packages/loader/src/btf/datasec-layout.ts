import { BpfError } from '../errors';
import { Btf } from './btf';
import { BtfBuilder } from './builder';

/** Where the variables of a section are, as the ELF symbols say. */
export interface DatasecLayout {
  /** Id of the DATASEC. */
  readonly id: number;
  /** Bytes of the ELF section. */
  readonly size: number;
  /** Offset of each variable, in the order of the DATASEC's entries. */
  readonly offsets: readonly number[];
}

/**
 * A copy, little endian, with other sizes and offsets of data sections. Compilers leave both 0 in an object file,
 * where only the symbol table knows them; the kernel wants them right, and the entries sorted by offset.
 * Ids and string offsets stay as they are.
 *
 * @throws BpfError INTERNAL when a layout does not have an offset for each entry
 *
 * @example
 * ```ts
 * const fixed = withDatasecLayout(btf, [{ id: btf.find('.rodata', BtfKind.DATASEC), size: 16, offsets: [8, 0] }]);
 * fixed.secVarOffset(fixed.find('.rodata', BtfKind.DATASEC), 0); // 0
 * ```
 */
export function withDatasecLayout(btf: Btf, layouts: readonly DatasecLayout[]): Btf {
  const builder = BtfBuilder.from(btf);
  for (const { id, size, offsets } of layouts) {
    if (offsets.length !== btf.vlen(id)) {
      throw new BpfError(
        'INTERNAL',
        `'${btf.name(id)}' has ${btf.vlen(id)} variables, not ${offsets.length}`,
      );
    }
    const entries = offsets.map((offset, i) => ({
      type: btf.secVarType(id, i),
      offset,
      size: btf.secVarSize(id, i),
    }));
    builder.setDatasec(id, size, entries);
  }
  return Btf.parse(builder.build(), { trusted: true });
}
