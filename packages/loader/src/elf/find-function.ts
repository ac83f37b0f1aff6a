import { globPattern } from '../bytes';
import { BpfError, nearest } from '../errors';
import { type Binary } from './binary';
import { type BinaryFunction, binaryFunctions, parseVersioned } from './binary-functions';

/** A function, and where its first instruction is in the file: what a uprobe is set at. */
export interface FoundFunction {
  readonly name: string;
  readonly offset: number;
}

/**
 * A function by its name, with or without a version. Among several of a name the one is taken that a program gets which
 * names no version, and before the static ones of single C files the one that all see.
 *
 * @param wanted `malloc`, `fork@GLIBC_2.2.5` (whether or not that is the default), `fork@@GLIBC_2.34` (only as the
 *   default)
 * @throws BpfError FUNCTION_NOT_FOUND with the nearest names; FUNCTION_AMBIGUOUS with all of them when several are left
 *
 * @example
 * ```ts
 * const node = Binary.read(bytesOfFile('node', readFileSync(process.execPath)));
 * findFunction(node, 'main').offset; // such as 8429568
 * ```
 */
export function findFunction(binary: Binary, wanted: string): FoundFunction {
  const { name, version } = parseVersioned(wanted);
  const named = functionsNamed(binary, name);
  const suited = named.filter(
    (each) =>
      version === undefined ||
      (each.version?.name === version.name && (!version.isDefault || each.version.isDefault)),
  );
  if (suited.length === 0) throw notFound(binary, wanted, named);
  const best = preferred(preferred(suited, isDefault), ({ local }) => !local);
  if (best.every(({ indirect }) => indirect)) throw onlyIndirect(binary, wanted);
  const addresses = new Set(best.map(({ address }) => address));
  if (addresses.size > 1) throw ambiguous(binary, wanted, best);
  return { name, offset: offsetOf(binary, best[0]!) };
}

/**
 * Every function whose name a pattern fits, sorted by offset, each offset once.
 *
 * @param glob where `*` stands for any characters and `?` for one
 * @throws BpfError FUNCTION_NOT_FOUND when it fits none
 *
 * @example
 * ```ts
 * const node = Binary.read(bytesOfFile('node', readFileSync(process.execPath)));
 * matchFunctions(node, 'mai?').some(({ name }) => name === 'main'); // true
 * ```
 */
export function matchFunctions(binary: Binary, glob: string): FoundFunction[] {
  const pattern = globPattern(glob);
  const found = new Map<number, string>();
  for (const each of binaryFunctions(binary)) {
    if (each.indirect || !pattern.test(each.name)) continue;
    const offset = binary.fileOffset(each.address);
    if (offset !== undefined && !found.has(offset)) found.set(offset, each.name);
  }
  if (found.size === 0) throw notFound(binary, glob, []);
  return [...found].map(([offset, name]) => ({ name, offset })).sort((a, b) => a.offset - b.offset);
}

/** lld writes no versions into `.symtab`: there what `.dynsym` says of the same place holds. */
function functionsNamed(binary: Binary, name: string): BinaryFunction[] {
  const named: BinaryFunction[] = [];
  for (const each of binaryFunctions(binary)) if (each.name === name) named.push(each);
  const versioned = named.filter(({ version }) => version !== undefined);
  const known = new Set(versioned.map(({ address }) => address));
  return [
    ...versioned,
    ...named.filter(({ version, address }) => version === undefined && !known.has(address)),
  ];
}

/** Those with a property, if any has it. */
function preferred(
  functions: readonly BinaryFunction[],
  property: (each: BinaryFunction) => boolean,
): readonly BinaryFunction[] {
  const those = functions.filter(property);
  return those.length > 0 ? those : functions;
}

function isDefault({ version }: BinaryFunction): boolean {
  return version === undefined || version.isDefault;
}

function offsetOf(binary: Binary, { name, address }: BinaryFunction): number {
  const offset = binary.fileOffset(address);
  if (offset !== undefined) return offset;
  throw new BpfError(
    'ELF_MALFORMED',
    `${binary.file.name}: '${name}' is at address ${hex(address)}, which no executable segment of the file has`,
    { object: binary.file.name, symbol: name },
  );
}

function notFound(binary: Binary, wanted: string, named: readonly BinaryFunction[]): BpfError {
  const object = binary.file.name;
  if (binary.symbolTables.length === 0)
    return new BpfError('FUNCTION_NOT_FOUND', `${object}: no function '${wanted}'`, {
      object,
      symbol: wanted,
      found: 'a binary that was stripped of its symbols',
      hint: 'give the offset of the function in the file',
    });
  const versions = [...new Set(named.map(textOf))].sort();
  const near = versions.length > 0 ? versions : nearest(wanted, functionNames(binary));
  return new BpfError('FUNCTION_NOT_FOUND', `${object}: no function '${wanted}'`, {
    object,
    symbol: wanted,
    hint: near.length > 0 ? `did you mean ${near.join(' or ')}?` : `\`nm -D ${object}\` shows what there is`,
  });
}

function functionNames(binary: Binary): Set<string> {
  const names = new Set<string>();
  for (const { name } of binaryFunctions(binary)) names.add(name);
  return names;
}

function onlyIndirect(binary: Binary, wanted: string): BpfError {
  const object = binary.file.name;
  return new BpfError(
    'FUNCTION_NOT_FOUND',
    `${object}: '${wanted}' is no function that runs when it is called`,
    {
      object,
      symbol: wanted,
      found: 'an indirect function (STT_GNU_IFUNC), which chooses an implementation when the program starts',
      hint: `name the implementation, such as __${parseVersioned(wanted).name}_avx2, or give its offset in the file`,
    },
  );
}

function ambiguous(binary: Binary, wanted: string, all: readonly BinaryFunction[]): BpfError {
  const object = binary.file.name;
  const byAddress = new Map(all.map((each) => [each.address, each]));
  const places = [...byAddress.values()]
    .sort((a, b) => a.address - b.address)
    .map((each) => `${textOf(each)} at offset ${hex(offsetOf(binary, each))}`);
  return new BpfError('FUNCTION_AMBIGUOUS', `${object}: ${byAddress.size} functions are named '${wanted}'`, {
    object,
    symbol: wanted,
    found: places.join(', '),
    hint: all.some(({ version }) => version !== undefined)
      ? 'name a version, or give an offset instead of the name'
      : 'give an offset instead of the name',
  });
}

function textOf({ name, version }: BinaryFunction): string {
  return version === undefined ? name : `${name}${version.isDefault ? '@@' : '@'}${version.name}`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
