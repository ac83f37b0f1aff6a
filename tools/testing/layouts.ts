import { type Btf, BtfKind } from '../../packages/loader/src/btf';

/**
 * What a struct or union looks like in memory, as text: size, and name, bit offset, width and, where the member is an
 * anonymous struct or union, layout of each member. Equal text means equal layout, whatever the type ids.
 */
export function layoutText(btf: Btf, id: number): string {
  const members: string[] = [];
  for (let i = 0; i < btf.vlen(id); i++) {
    const name = btf.memberName(id, i);
    // printC's own filler of a union that is larger than its members.
    if (name.startsWith('___size_')) continue;
    const type = btf.resolve(btf.memberType(id, i));
    const kind = btf.kind(type);
    const nested = (kind === BtfKind.STRUCT || kind === BtfKind.UNION) && btf.name(type) === '';
    const place = `${btf.memberBitOffset(id, i)}:${btf.memberBitfieldSize(id, i)}`;
    members.push(`${name}@${place}${nested ? layoutText(btf, type) : ` ${enumText(btf, type)}`}`);
  }
  return `${btf.size(id)}{${members.join(', ')}}`;
}

function enumText(btf: Btf, id: number): string {
  const kind = btf.kind(id);
  if (kind !== BtfKind.ENUM && kind !== BtfKind.ENUM64) return '';
  const values = Array.from({ length: btf.vlen(id) }, (_, i) => btf.enumValue(id, i));
  return `enum ${btf.size(id)} ${values.join(' ')}`;
}

/**
 * C that keeps the complete definition of types in an object's BTF: a variable of each.
 *
 * @returns the text, whose variables are called `v_<id>`
 */
export function variablesOf(types: ReadonlyMap<number, string>): string {
  return [...types].map(([id, name]) => `${name} v_${id};`).join('\n');
}

/** Layouts of the types of the variables `v_<id>` in an object's BTF, by id. */
export function layoutsOfVariables(btf: Btf): Map<number, string> {
  const layouts = new Map<number, string>();
  for (let id = btf.firstId; id < btf.endId; id++) {
    if (btf.kind(id) !== BtfKind.VAR || !btf.name(id).startsWith('v_')) continue;
    layouts.set(Number(btf.name(id).slice(2)), layoutText(btf, btf.resolve(btf.type(id))));
  }
  return layouts;
}
