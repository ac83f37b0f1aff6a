import { type Btf, type BtfBuilder, BtfKind, IntEncoding, Linkage } from '../btf';

/** Bytes of the `int` that stands for whatever an extern of `.ksyms` is. */
const STAND_IN_SIZE = 4;

/** Whether an object's types declare externs of `.kconfig` or `.ksyms`. */
export function declaresExterns(btf: Btf): boolean {
  return btf.find('.kconfig', BtfKind.DATASEC) !== 0 || btf.find('.ksyms', BtfKind.DATASEC) !== 0;
}

/**
 * Turns the declarations of externs into definitions. A kernel takes no others in an object's types: it refuses
 * linkage `extern`, functions in data sections, nameless parameters, and variables of type void. So externs of
 * `.kconfig` become the variables that they are in their map, and `.ksyms`, of which nothing is in the object,
 * becomes a row of integers; libbpf does the same.
 */
export function defineExterns(btf: Btf, builder: BtfBuilder): void {
  const kconfig = btf.find('.kconfig', BtfKind.DATASEC);
  const ksyms = btf.find('.ksyms', BtfKind.DATASEC);
  for (const variable of entries(btf, kconfig)) builder.setLinkage(variable, Linkage.GLOBAL);
  if (ksyms !== 0) defineKsyms(btf, builder, ksyms);
}

function defineKsyms(btf: Btf, builder: BtfBuilder, section: number): void {
  const int = builder.int('int', STAND_IN_SIZE, IntEncoding.SIGNED);
  const standIn = builder.variable('ksym', int, Linkage.GLOBAL);
  const externs = entries(btf, section);
  for (const extern of externs) {
    builder.setLinkage(extern, Linkage.GLOBAL);
    if (btf.kind(extern) === BtfKind.FUNC) nameParameters(btf, builder, btf.type(extern));
    else builder.setVariableType(extern, int);
  }
  builder.setDatasec(
    section,
    externs.length * STAND_IN_SIZE,
    externs.map((extern, i) => ({
      type: btf.kind(extern) === BtfKind.FUNC ? standIn : extern,
      offset: i * STAND_IN_SIZE,
      size: STAND_IN_SIZE,
    })),
  );
}

function nameParameters(btf: Btf, builder: BtfBuilder, prototype: number): void {
  for (let i = 0; i < btf.vlen(prototype); i++) {
    // A last parameter of type void stands for the dots of variable arguments, and has no name.
    if (btf.paramType(prototype, i) !== 0 && btf.paramName(prototype, i) === '') {
      builder.setParamName(prototype, i, `arg${i}`);
    }
  }
}

/** The variables and functions of a data section; none for id 0. */
function entries(btf: Btf, section: number): number[] {
  return section === 0 ? [] : Array.from({ length: btf.vlen(section) }, (_, i) => btf.secVarType(section, i));
}
