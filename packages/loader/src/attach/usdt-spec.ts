import { Btf, BtfKind, encodeValue } from '../btf';
import { BpfError } from '../errors';
import { btfBytes, mapInfo, withObject } from '../kernel';
import { type UsdtArgument } from './usdt-arguments';

/** How the values of a program's map of argument specs look: by the types that its object was compiled with. */
export interface SpecLayout {
  readonly btf: Btf;
  /** Of `struct __bpf_usdt_spec`. */
  readonly typeId: number;
  readonly size: number;
  readonly mostArguments: number;
  /** Whether it knows operands with an index: usdt.bpf.h of libbpf 1.7 on. */
  readonly indexed: boolean;
}

/**
 * The layout of `struct __bpf_usdt_spec`, as the types of the map say it.
 *
 * @throws BpfError USDT_UNSUPPORTED where the map has no such types, PRIVILEGE_MISSING without CAP_SYS_ADMIN, which it
 *   takes to look at them
 */
export function specLayout(map: number): SpecLayout {
  const { name, btfId, valueTypeId, valueSize } = mapInfo(map);
  const bytes = btfId === 0 ? undefined : withObject('btf', btfId, btfBytes);
  if (bytes === undefined) throw noSpecs(name, 'a map without types: the object was compiled without -g');
  const btf = Btf.parse(bytes, { object: `map '${name}'` });
  const typeId = btf.resolve(valueTypeId);
  const list = btf.kind(typeId) === BtfKind.STRUCT ? member(btf, typeId, 'args') : undefined;
  const array = list === undefined ? undefined : btf.resolve(list);
  if (array === undefined || btf.kind(array) !== BtfKind.ARRAY)
    throw noSpecs(name, `values of type ${btf.describe(valueTypeId)}`);
  const element = btf.resolve(btf.arrayElement(array));
  return {
    btf,
    typeId,
    size: valueSize,
    mostArguments: btf.arrayLength(array),
    indexed: btf.kind(element) === BtfKind.STRUCT && member(btf, element, 'idx_reg_off') !== undefined,
  };
}

function member(btf: Btf, struct: number, name: string): number | undefined {
  for (let i = 0; i < btf.vlen(struct); i++)
    if (btf.memberName(struct, i) === name) return btf.memberType(struct, i);
  return undefined;
}

/**
 * The bytes that tell bpf_usdt_arg() of a program where the arguments of a probe are.
 *
 * @param text of the arguments, for errors
 * @throws BpfError USDT_UNSUPPORTED for more arguments than it has room for, and for operands that it does not know
 */
export function encodeSpec(
  layout: SpecLayout,
  text: string,
  list: readonly UsdtArgument[],
  cookie: bigint,
): Uint8Array {
  const { btf, typeId, size, mostArguments, indexed } = layout;
  if (list.length > mostArguments)
    throw new BpfError('USDT_UNSUPPORTED', `a probe with the arguments '${text}'`, {
      symbol: text,
      found: `${list.length} arguments`,
      expected: `at most ${mostArguments}, for which the program has room`,
    });
  if (!indexed && list.some(({ place }) => place.kind === 'indexed'))
    throw new BpfError('USDT_UNSUPPORTED', `a probe with the arguments '${text}'`, {
      symbol: text,
      found:
        'an operand with an index register, which the usdt.bpf.h that the program was compiled with does not know',
      hint: 'compile the program with usdt.bpf.h of libbpf 1.7 or newer',
    });
  const bytes = new Uint8Array(size);
  const value = { args: list.map(specOf), usdt_cookie: BigInt.asUintN(64, cookie), arg_cnt: list.length };
  encodeValue(btf, typeId, value, bytes, 0, { name: '__bpf_usdt_specs' });
  return bytes;
}

/** Of `struct __bpf_usdt_arg_spec`: the program shifts the value up and down again, to cut it to its size. */
function specOf({ size, signed, place }: UsdtArgument): Record<string, unknown> {
  const common = { arg_signed: signed, arg_bitshift: 64 - 8 * size };
  switch (place.kind) {
    case 'constant':
      return { ...common, arg_type: 'BPF_USDT_ARG_CONST', val_off: BigInt.asUintN(64, place.value) };
    case 'register':
      return { ...common, arg_type: 'BPF_USDT_ARG_REG', reg_off: place.register };
    case 'memory':
      return {
        ...common,
        arg_type: 'BPF_USDT_ARG_REG_DEREF',
        reg_off: place.register,
        val_off: BigInt.asUintN(64, place.offset),
      };
    case 'indexed':
      return {
        ...common,
        arg_type: 'BPF_USDT_ARG_SIB',
        reg_off: place.register,
        val_off: BigInt.asUintN(64, place.offset),
        idx_reg_off: place.index,
        scale_bitshift: Math.log2(place.scale),
      };
  }
}

function noSpecs(map: string, found: string): BpfError {
  return new BpfError('USDT_UNSUPPORTED', `map '${map}' cannot hold where arguments of probes are`, {
    map,
    found,
    expected: 'values of struct __bpf_usdt_spec, as usdt.bpf.h defines it',
  });
}
